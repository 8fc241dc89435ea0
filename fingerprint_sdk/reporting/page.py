"""The page of a report: one file that loads nothing, for a screen and for paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fingerprint_sdk.explanation.declarations import DECLARES, SILENT
from fingerprint_sdk.explanation.page import declared, pixels, sections
from fingerprint_sdk.explanation.plots import pictures
from fingerprint_sdk.explanation.scale import candidates
from fingerprint_sdk.explanation.sentences import (
    CONDITIONS,
    answer,
    belief,
    chance,
    condition,
    family,
    kind,
    not_said,
    percent,
    presumed,
    rates,
    ratio,
    settled_by,
    spelled,
    why,
)
from fingerprint_sdk.explanation.words import remarks
from fingerprint_sdk.markup import render
from fingerprint_sdk.reporting import words

if TYPE_CHECKING:
    from fingerprint_sdk.identification import Identification
    from fingerprint_sdk.images.quality import Quality
    from fingerprint_sdk.reporting.probe import Origin, Probe
    from fingerprint_sdk.reporting.sources import ReportedFile


def page(
    probes: Sequence[Probe], origin: Origin, skipped: Sequence[tuple[str, str]], private: bool
) -> str:
    """See ``Report.html``."""
    several = len(probes) > 1
    made = render(
        "reporting/page.html",
        title=words.title(sum(len(probe.files) for probe in probes)),
        origin=origin,
        skipped=skipped,
        made=f"{origin.made:%Y-%m-%d %H:%M %Z}",
        probes=[_told(probe, private, 3 if several else 2) for probe in probes],
        limits=words.LIMITS,
        rounding=words.ROUNDING,
    )
    return str(made)


def _told(probe: Probe, private: bool, level: int) -> dict[str, object]:
    result = probe.identification
    said = [belief(result), family(result), settled_by(result), presumed(result)]
    if not result.reasons:
        said += [rates(result), condition(result)]
    silent = not any(declaration for declaration, _ in probe.declared)
    return {
        "name": probe.files[0].name if len(probe.files) == 1 else f"{len(probe.files)} images",
        "level": level,
        "question": words.question(result),
        "kind": kind(result),
        "answer": answer(result),
        "why": why(result),
        "said": [one for one in said if one],
        "numbers": _numbers(result),
        "not_said": not_said(result),
        "ratio": "" if result.reasons else ratio(result),
        # A score would be read as evidence where nothing can be said.
        "candidates": "" if result.reasons else candidates(result),
        "declares": DECLARES[:-1],
        "silent": SILENT if silent else "",
        "declared": declared(probe.declared, private, level),
        "files": [
            _file(file, quality) for file, quality in zip(probe.files, result.quality, strict=True)
        ],
        "evidence": sections(probe.views, pictures(probe.views), level) if probe.views else "",
        "left_out": words.NOT_PICTURED if len(probe.views) < len(probe.files) else "",
    }


def _numbers(result: Identification) -> list[tuple[str, str]]:
    voted = f"{result.images:,} of {len(result.quality):,}"
    counted = [("images with a vote", voted), ("compared with", f"{result.compared:,}")]
    if result.reasons:
        return counted
    score, threshold, missed = spelled(result.score, result.threshold, result.missed)
    return [
        ("likelihood ratio", ratio(result)),
        ("probability beforehand", percent(result.prior)),
        ("probability now", chance(result.probability)),
        ("score of the nearest", score),
        ("named from", threshold),
        ("none of these below", missed),
        ("false positive rate (FPIR)", percent(result.fpir)),
        ("false negative rate (FNIR)", percent(result.fnir)),
        ("judged as", CONDITIONS[result.condition]),
        *counted,
    ]


def _file(file: ReportedFile, quality: Quality) -> dict[str, object]:
    facts = [("pixels", pixels(quality)), ("windows measured", f"{quality.windows:,}")]
    if file.size is not None:
        facts.insert(0, ("file", f"{file.size:,} bytes"))
        facts.append(("SHA-256", str(file.sha256)))
    return {"name": file.name, "facts": facts, "remarks": remarks("It", quality)}
