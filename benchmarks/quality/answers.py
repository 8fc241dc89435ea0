"""Are the answers true? Verification and identification on images of real generators.

    python benchmarks/quality/answers.py MODEL EVAL [--kept FOLDER] [--out FILE]

MODEL is a folder with `model.onnx`; EVAL holds the image sets `lossless`, `nets` and `jpeg` and
`decoders.csv`. Models that share an image decoder count as one family. Four tables, in percent,
each with the range of 95 % of resampled families or galleries:

- strangers: pairs of single images whose two sides went through the same processing
  (`treated.py`, `everyday.py`) and, as `verify` sees to, do not show the same all over, and have
  no pattern in common; five images of each generator of `lossless`, at nominal FMR 1 %.
- one side: sets of one and of five images of `lossless`, of which one set is untouched and the
  other went through one kind of processing that no file shows; of other contents.
- pairs: untouched single images of each set, all of them.
- galleries: 8 families of ten images (as many as half of the families allow), probed by their
  other images and by all families that are not enrolled, at nominal FPIR 1 and 5 %.

Embeddings are kept in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from everyday import EVERYDAY
from treated import OTHERS, OUTSIDERS

import fingerprint_sdk as fp
from fingerprint_sdk.evidence.side import side_of
from fingerprint_sdk.images import load_image
from fingerprint_sdk.images.coincidence import Middle, coincidences_of
from fingerprint_sdk.verification import verify_sides
from trainer.evaluation import read_image_set
from trainer.evaluation.metrics import mean_interval

KINDS = OUTSIDERS | OTHERS | EVERYDAY
SETS = ("lossless", "nets", "jpeg")
A_GENERATOR = 5  # images of the first table
ENROLLED, FAMILIES, DRAWS = 10, 8, 30
FPIRS = (0.01, 0.05)
RESAMPLES = 500


@dataclass(frozen=True, eq=False)
class Images:
    """Embeddings, (n, D), and quality of n images; the generator and the family of each."""

    embeddings: np.ndarray
    quality: tuple[fp.Quality, ...]
    generators: np.ndarray
    families: np.ndarray


def embedded(
    extractor: fp.Extractor,
    folder: Path,
    kept: Path | None,
    *,
    limit: int | None = None,
    kind: str | None = None,
) -> Images:
    """The images of a set, at most `limit` of a generator, processed as `kind` says."""
    found = read_image_set(folder)
    paths = [path for images in found.images.values() for path in images[:limit]]
    generators = np.array([path.parent.name for path in paths])
    name = f"{folder.name}-{limit}-{kind}.json".replace(" ", "_").replace("/", "_")
    file = None if kept is None else kept / extractor.model_sha256[:12] / name
    if file is not None and file.exists():
        saved = json.loads(file.read_text())
        rows = np.array(saved["embeddings"], np.float32)
        quality = [fp.Quality(**one) for one in saved["quality"]]
    else:
        treat = None if kind is None else KINDS[kind]
        rows, given = extractor.embed_with_quality(_treated(path, treat, kind) for path in paths)
        quality = list(given)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            values = [asdict(one) | {"jpeg_tables": ()} for one in quality]
            file.write_text(json.dumps({"embeddings": rows.tolist(), "quality": values}))
    families = np.array([found.decoders[generator] for generator in generators])
    return Images(rows, tuple(quality), generators, families)


def middles(
    folder: Path, *, limit: int | None = None, kind: str | None = None
) -> Callable[[int], Middle]:
    """What `pairs` asks for, of the images of `embedded`."""
    found = read_image_set(folder)
    paths = [path for images in found.images.values() for path in images[:limit]]
    treat = None if kind is None else KINDS[kind]

    def middle(place: int) -> Middle:
        return Middle.of(load_image(_treated(paths[place], treat, kind)).pixels)

    return cache(middle)


def _treated(path: Path, treat: Callable[..., np.ndarray] | None, kind: str | None) -> Any:
    if treat is None:
        return path
    rng = np.random.default_rng(zlib.crc32(f"{kind} {path.parent.name}/{path.name}".encode()))
    return np.ascontiguousarray(treat(load_image(path).pixels, rng))


def pairs(
    extractor: fp.Extractor, images: Images, shown: Callable[[int], Middle]
) -> dict[str, Any]:
    """Verdicts of every two single images: of one generator, and of two families.

    Args:
        shown: the middle of each.
    """
    calibration = extractor.calibration
    sides = [
        side_of(row[None], (quality,), calibration)
        for row, quality in zip(images.embeddings, images.quality, strict=True)
    ]
    verdicts: dict[str, list[tuple[str, str]]] = {"one generator": [], "strangers": []}
    for i in range(len(sides)):
        for j in range(i):
            same = images.generators[i] == images.generators[j]
            if not same and images.families[i] == images.families[j]:
                continue
            answer = verify_sides(sides[i], sides[j], calibration)
            whose = "one generator" if same else "strangers"
            verdict: str = answer.verdict
            if answer.same and coincidences_of(shown(i), shown(j)):
                verdict = "inconclusive"
            verdicts[whose].append((verdict, images.families[i]))
    return _shares(verdicts)


def one_side(
    extractor: fp.Extractor, untouched: Images, processed: Images, count: int
) -> dict[str, Any]:
    """Verdicts of sets of `count` images, of which only one is processed.

    Args:
        untouched: all of the image set; of each generator those that `processed` does not show.
        processed: the first `A_GENERATOR` images of each generator.
    """
    calibration = extractor.calibration
    sides: list[list[tuple[Any, str, str]]] = []
    for images, first in ((untouched, A_GENERATOR), (processed, 0)):
        found = []
        for generator in sorted(set(images.generators)):
            places = np.flatnonzero(images.generators == generator)[first : first + A_GENERATOR]
            for start in range(0, len(places) - count + 1, count):
                some = places[start : start + count]
                quality = tuple(images.quality[place] for place in some)
                side = side_of(images.embeddings[some], quality, calibration)
                found.append((side, generator, images.families[places[0]]))
        sides.append(found)
    verdicts: dict[str, list[tuple[str, str]]] = {"one generator": [], "strangers": []}
    for a, generator, family in sides[0]:
        for b, other, other_family in sides[1]:
            if generator == other or family != other_family:
                whose = "one generator" if generator == other else "strangers"
                verdicts[whose].append((verify_sides(a, b, calibration).verdict, family))
    return _shares(verdicts)


def _shares(verdicts: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, Any]:
    return {
        whose: {"pairs": len(found)}
        | {verdict: _share(found, verdict) for verdict in ("same", "different", "inconclusive")}
        for whose, found in verdicts.items()
    }


def _share(found: Sequence[tuple[str, str]], verdict: str) -> dict[str, float]:
    """Percent of the pairs, and the range over resampled families."""
    families = sorted({family for _, family in found})
    counts = np.array(
        [
            (
                sum(v == verdict for v, f in found if f == family),
                sum(f == family for _, f in found),
            )
            for family in families
        ],
        float,
    )
    rng = np.random.default_rng(0)
    drawn = counts[rng.integers(len(families), size=(RESAMPLES, len(families)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    total = counts.sum(0)
    return {
        name: round(100 * float(x), 1)
        for name, x in (("value", total[0] / total[1]), ("low", low), ("high", high))
    }


def galleries(extractor: fp.Extractor, images: Images, probes: int) -> dict[str, Any]:
    """Realised FPIR and share named right, at each nominal FPIR."""
    families = sorted(set(images.families))
    enough = [f for f in families if (images.families == f).sum() >= ENROLLED + probes]
    enrolled_families = min(FAMILIES, len(families) // 2)
    found: dict[float, list[tuple[float, float, float]]] = {fpir: [] for fpir in FPIRS}
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        gallery, left = fp.Gallery(extractor), {}
        for family in rng.choice(enough, enrolled_families, replace=False):
            places = rng.permutation(np.flatnonzero(images.families == family))
            gallery.enroll(str(family), images.embeddings[places[:ENROLLED]])
            left[str(family)] = places[ENROLLED:]
        asked = {
            family: _probes(
                left.get(family, np.flatnonzero(images.families == family)), probes, rng
            )
            for family in families
        }
        for fpir in FPIRS:
            named: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
            for family, sets in asked.items():
                answers = [
                    gallery.search(
                        images.embeddings[places],
                        extractor.calibration,
                        quality=tuple(images.quality[place] for place in places),
                        fpir=fpir,
                    )
                    for places in sets
                ]
                if answers:
                    named[family in gallery].append(
                        (
                            float(np.mean([answer.known for answer in answers])),
                            float(np.mean([answer.best == family for answer in answers])),
                        )
                    )
            strangers, mates = np.array(named[False]), np.array(named[True])
            found[fpir].append(
                (strangers[:, 0].mean(), mates[:, 1].mean(), (mates[:, 0] - mates[:, 1]).mean())
            )
    return {
        f"FPIR {fpir:.0%}": {
            what: asdict(mean_interval([100 * value for value in values]))
            for what, values in zip(
                ("realised FPIR", "named right", "misnamed"), zip(*rows, strict=True), strict=True
            )
        }
        for fpir, rows in found.items()
    }


def _probes(places: np.ndarray, probes: int, rng: np.random.Generator) -> list[np.ndarray]:
    shuffled = rng.permutation(places)
    return [shuffled[i : i + probes] for i in range(0, len(places) - probes + 1, probes)][:15]


def main(model: Path, folder: Path, kept: Path | None, out: Path) -> None:
    extractor = fp.load(model, device="cpu")
    report: dict[str, Any] = {
        "model": {"name": extractor.name, "version": extractor.version,
                  "sha256": extractor.model_sha256},
        "strangers": {},
        "one side": {},
        "pairs": {},
        "galleries": {},
    }  # fmt: skip
    for kind in KINDS:
        images = embedded(extractor, folder / "lossless", kept, limit=A_GENERATOR, kind=kind)
        shown = middles(folder / "lossless", limit=A_GENERATOR, kind=kind)
        report["strangers"][kind] = found = pairs(extractor, images, shown)
        print(f"{kind:36s}", *(_line(found[whose]) for whose in found), flush=True)
    untouched = embedded(extractor, folder / "lossless", kept)
    for kind in KINDS:
        images = embedded(extractor, folder / "lossless", kept, limit=A_GENERATOR, kind=kind)
        for count in (1, A_GENERATOR):
            found = one_side(extractor, untouched, images, count)
            report["one side"][f"{kind}, {count}"] = found
            print(f"one side: {kind}, {count}", *(_line(found[whose]) for whose in found),
                  flush=True)  # fmt: skip
    for name in SETS:
        images = embedded(extractor, folder / name, kept)
        if name != "jpeg":  # 259,000 pairs of which nearly all are inconclusive
            report["pairs"][name] = found = pairs(extractor, images, middles(folder / name))
            print(f"{name:36s}", *(_line(found[whose]) for whose in found), flush=True)
        for probes in (1, 3, 5):
            report["galleries"][f"{name}, {probes}"] = rates = galleries(extractor, images, probes)
            print(f"{name}, {probes} probes", *(
                f"| {rate}: " + ", ".join(f"{k} {v['value']:.1f}" for k, v in values.items())
                for rate, values in rates.items()), flush=True)  # fmt: skip
    out.write_text(json.dumps(report, indent=2) + "\n")


def _line(found: Mapping[str, Any]) -> str:
    return " | " + ", ".join(
        f"{verdict} {found[verdict]['value']:.1f}" for verdict in found if verdict != "pairs"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("answers.json"))
    arguments = parser.parse_args()
    main(arguments.model, arguments.images, arguments.kept, arguments.out)
