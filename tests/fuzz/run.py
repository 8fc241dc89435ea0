"""Give damaged inputs to public calls, and collect whatever is not an error of our tree."""

from __future__ import annotations

import random
import traceback
import warnings
from dataclasses import dataclass, field

from fuzz.targets import Target

import fingerprint_sdk as fp


@dataclass
class Outcome:
    """How many inputs were taken and refused; cases that went wrong, each with its traceback."""

    taken: int = 0
    refused: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)


def fuzz(name: str, target: Target, cases: int, seed: int) -> Outcome:
    """``cases`` damaged inputs of one kind; case i depends on name, seed and i alone."""
    outcome = Outcome()
    for case in range(cases):
        number = f"{name}/{seed}/{case}"
        content = target.make(random.Random(number))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a warning is a foreign word, too
                target.give(content)
        except fp.FingerprintError:
            outcome.refused += 1
        except Exception:
            outcome.wrong.append((number, traceback.format_exc()))
        else:
            outcome.taken += 1
    return outcome
