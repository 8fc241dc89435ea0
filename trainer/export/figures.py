"""The figures of a model card: tables of what `trainer evaluate` found, image set by image set."""

from __future__ import annotations

from typing import Any

IMAGE_SETS = {
    "lossless": "real generators, lossless files",
    "jpeg": "text-to-image models, JPEG q85 4:2:0",
    "nets": "image-to-image networks, same contents, lossless files",
}

_VERDICTS = ("same", "inconclusive", "different")


def accuracy_table(scores: dict[str, Any]) -> str:
    """Identification and ranking of pairs, a row for each image set; decoders in [brackets]."""
    rows = "\n".join(_row(name, values) for name, values in scores.items())
    return f"""\
| image set | generators | identification | AUC, 1 image a side | FNMR at FMR 1 % | AUC, 5 a side |
|---|---|---|---|---|---|
{rows}"""


def verdict_table(scores: dict[str, Any]) -> str:
    """What the SDK says of pairs, and what its likelihood ratios cost."""
    rows = "\n".join(
        _verdicts(name, part["images"], part["model"]["decisions"])
        for name, values in scores.items()
        for part in (values["verification"], values["set_verification"])
    )
    nominal = next(iter(scores.values()))["verification"]["model"]["decisions"]
    fmr, fnmr = 100 * nominal["fmr"], 100 * nominal["fnmr"]
    return f"""\
What it says of pairs, in percent: same / inconclusive / different. Nominally {fmr:g} % of the
pairs of two generators are "same" and {fnmr:g} % of those of one "different". Cllr is what its
likelihood ratios cost, in bits: 0 for ratios that tell all, 1 for ratios that say nothing.
Cllr_min is what no calibration would mend.

| image set | images a side | pairs of one generator | pairs of two | Cllr | Cllr_min |
|---|---|---|---|---|---|
{rows}"""


def known_table(known: dict[str, Any]) -> str:
    """The built-in gallery by sources left out, of `trainer evaluate --known`."""
    listed = known["processed"] if "processed" in known else known["families"]
    rows = "\n".join(
        f"| {one['processed']} | "
        + " | ".join(
            _interval(one[what]) for what in ("first", "named", "misnamed", "none", "strangers")
        )
        + " |"
        for one in listed
    )
    return f"""\
Images of {len({one["family"] for one in listed[0]["sources"]})} families by \
{len(listed[0]["sources"])} sources, each looked up in the gallery without its own source, in
percent with 95 % of resampled sources: the right family first, named, another one named, "none of
these" said. Last, images that are named when their whole family is left out. Nominally
{100 * listed[0]["fpir"]:g} % are.

| probes | first | named right | misnamed | "none" | strangers named |
|---|---|---|---|---|---|
{rows}"""


def value(estimate: Any) -> float:
    """Of a number, or of an `Estimate` as JSON has it."""
    return float(estimate["value"] if isinstance(estimate, dict) else estimate)


def _row(name: str, values: dict[str, Any]) -> str:
    identification, verification = values["identification"], values["verification"]
    accuracy = identification["model"]["accuracy"]
    decoder = identification["decoder"]["accuracy"]
    single, strangers = verification["model"], verification["decoder"]
    auc, missed = _interval(single["auc"]), _percent(single["fnmr_at_fmr_1"])
    if strangers is not None:
        auc += f" [{_percent(strangers['auc'])}]"
        missed += f" [{_percent(strangers['fnmr_at_fmr_1'])}]"
    five = values["set_verification"]["model"]["auc"]
    return (
        f"| {name}: {IMAGE_SETS.get(name, 'own images')} | {len(values['images'])} "
        f"| {_interval(accuracy)} [{_percent(decoder)}] | {auc} | {missed} | {_percent(five)} |"
    )


def _verdicts(name: str, images: int, decisions: dict[str, Any]) -> str:
    one, two = (
        " / ".join(_percent(decisions[pairs][word]) for word in _VERDICTS)
        for pairs in ("genuine", "impostor")
    )
    costs = f"{decisions['cllr']:.2f} | {decisions['cllr_min']:.2f}"
    return f"| {name} | {images} | {one} | {two} | {costs} |"


def _percent(estimate: Any) -> str:
    return f"{100 * value(estimate):.1f}"


def _interval(estimate: dict[str, float]) -> str:
    text = _percent(estimate)
    if estimate.get("low") is None:
        return text
    return f"{text} ({100 * estimate['low']:.1f}–{100 * estimate['high']:.1f})"
