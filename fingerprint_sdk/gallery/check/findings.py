"""What may be wrong in a gallery, each with a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fingerprint_sdk.evidence.verdict import Verdict, rounded


@dataclass(frozen=True)
class Twins:
    """Two entries that cannot be told apart.

    Attributes:
        a, b: their names.
        verdict: of the images of ``a`` against those of ``b``; "same", unless they are twins
            because each one's images are nearer to the other.
        likelihood_ratio, score: of that verification.
        findings: its sentence.
        taken: share of the images of ``a`` that are nearer to ``b`` than to the others of ``a``,
            and the reverse, 0 to 1; None of an entry of one image.
    """

    a: str
    b: str
    verdict: Verdict
    likelihood_ratio: float
    score: float
    findings: str
    taken: tuple[float | None, float | None]

    @property
    def words(self) -> str:
        """A sentence or more."""
        pair = f"{self.a} and {self.b}"
        if self.verdict == "same":
            return f"{pair}: these two share a decoder, or are the same: merge? {self.findings}"
        of_a, of_b = (percent(share or 0.0) for share in self.taken)
        return (
            f"{pair}: these two share a decoder, or too little of their traces is left to tell "
            f"them apart: merge, or enroll originals? {of_a} of the images of {self.a} are nearer "
            f"to {self.b} than to each other, and {of_b} of those of {self.b} to {self.a}."
        )


@dataclass(frozen=True)
class Mislabelled:
    """An image that looks as if it were in the wrong entry.

    Attributes:
        entry: its name.
        image: number of the image, from 1, in the order of enrolment.
        nearest: the entry it is nearest to when it is taken out of its own.
        likelihood_ratio: how many times more probable the findings are if ``nearest``'s generator
            made it than if another did.
        own_likelihood_ratio: the same of its own entry, without it; below 1.
    """

    entry: str
    image: int
    nearest: str
    likelihood_ratio: float
    own_likelihood_ratio: float

    @property
    def words(self) -> str:
        """A sentence."""
        return (
            f"image {self.image} of {self.entry} looks mislabelled: looked up, it is nearest to "
            f"{self.nearest} (about {rounded(self.likelihood_ratio)} times more probable if that "
            f"made it than if not), and speaks against {self.entry} (about "
            f"{rounded(1 / self.own_likelihood_ratio)} times less probable): check where it came "
            "from."
        )


@dataclass(frozen=True)
class Duplicated:
    """Images with the same embedding: the same picture, most likely.

    Attributes:
        images: name of the entry and number of the image in it, from 1, two or more.
    """

    images: tuple[tuple[str, int], ...]

    @property
    def entries(self) -> tuple[str, ...]:
        """Names of the entries that have it, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.images))

    @property
    def words(self) -> str:
        """A sentence."""
        listed = [f"image {number} of {name}" for name, number in self.images[:5]]
        if len(self.images) > len(listed):
            listed.append(f"{len(self.images) - len(listed)} more")
        said = f"{', '.join(listed[:-1])} and {listed[-1]} are the same picture: "
        if len(self.entries) == 1:
            return f"{said}it has more weight than its share, enroll it once."
        return f"{said}it can have one maker only, take it out of the others."


@dataclass(frozen=True)
class OddFormat:
    """An entry whose images are not in the format of the others.

    Attributes:
        entry: its name.
        kind: "mixed", some of its images are lossy and some are not; "lossy", the only entry of
            lossy images; "lossless", the only one of others.
        lossy: how many of its images carry lossy compression.
        images: how many it has.
        copies: whether every entry has copies by codecs, so that a lossy probe is compared with
            its like everywhere.
    """

    entry: str
    kind: Literal["mixed", "lossy", "lossless"]
    lossy: int
    images: int
    copies: bool

    @property
    def words(self) -> str:
        """A sentence or more."""
        if self.kind == "mixed":
            return (
                f"{self.entry}: {self.lossy} of {self.images} images carry lossy compression, so "
                "their mean is quite like neither originals nor compressed images: keep the "
                "originals."
            )
        if self.kind == "lossy":
            said = (
                f"{self.entry} is the only entry of lossy images. What a codec leaves in all "
                "images sets it apart from the others, which flatters its rates here, and may "
                "draw lossy images whoever made them."
            )
        else:
            said = (
                f"{self.entry} is the only entry without lossy images. That alone sets it apart "
                "from the others, which flatters its rates here, and may draw originals whoever "
                "made them."
            )
        if self.copies:
            return (
                f"{said} Here a lossy probe is compared with copies of all entries by codecs, "
                "which keeps it from that; originals are better still."
            )
        return f"{said} Enroll originals of all, with copies."


def percent(share: float) -> str:
    """A share as a whole number of percent: "93 %"."""
    return f"{100 * share:.0f} %"
