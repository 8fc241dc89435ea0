"""What a report says beside the answer: the question, and the limits in plain words."""

from __future__ import annotations

from fingerprint_sdk.identification import Identification

LIMITS = (
    "The answer is evidence with a stated error rate, and no proof. Nobody should be accused on "
    "the strength of it alone.",
    "A family is the answer: generators that share an image decoder leave one trace, and which of "
    "them made an image is not told. A sibling of them, such as a fine-tune or another generator "
    "with the same decoder, gives the same answer.",
    "There is no class “photograph”. Whether an image is generated at all is not answered: a "
    "photograph, a scan or a drawing is at best none of these.",
    "“None of these” says that the generators in the gallery hardly ever score so low. The image "
    "may be by any other generator, or by none.",
    "The trace is that of the generator that last touched the pixels. Another one that the image "
    "is passed through replaces it; recompressing, resizing and editing make it fade; with skill "
    "it can be removed, or forged.",
    "The error rates are those of images treated as named above. Of images unlike any that the "
    "model was calibrated with they may differ.",
)
NOT_PICTURED = (
    "Pictures of the evidence are drawn of the first images only, and of none that is too thin. "
    "fingerprint explain makes those of the others."
)
ROUNDING = (
    "Other processors may change the last digits. Compare the SHA-256 of files, gallery and model "
    "first."
)


def title(images: int) -> str:
    """The question as a title."""
    return "Who made this image?" if images == 1 else f"Who made these {images:,} images?"


def question(result: Identification) -> str:
    """The question that the answer answers, in full."""
    known = f"Which of the {result.compared:,} generators or families in the gallery"
    if result.compared == 1:
        known = "The gallery has one generator or family: has it"
    count = len(result.quality)
    images = "this image" if count == 1 else f"these {count:,} images"
    said = f"{known} made {images}{', if any did' if result.compared > 1 else ''}?"
    if count > 1:
        said += " They are taken to be by one generator, and judged together."
    return said
