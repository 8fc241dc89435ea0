"""Options several commands share, and the extractor they describe."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fingerprint_sdk.cli.shared.place import Place, file_only


class DeviceChoice(StrEnum):
    """Where the model runs; ``auto`` takes CUDA when it really works."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class OnError(StrEnum):
    """What to do with an image that cannot be used."""

    stop = "raise"
    skip = "skip"


Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Bundled name, folder, .onnx file, or owner/name on the Hugging Face Hub.",
        show_default="the bundled default",
    ),
]
Revision = Annotated[
    str | None,
    typer.Option(help="Commit of a Hub model. A full hash is pinned; a branch may move."),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Never use the network (as HF_HUB_OFFLINE=1).")
]
Device = Annotated[DeviceChoice, typer.Option(help="Where to run the model.")]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="CPU threads of one inference.", show_default="all allowed cores"),
]
Windows = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Windows of an image at most: fewer take less time and see less.",
        show_default="64, all of 1024x1024 pixels",
    ),
]
ShowPrompts = Annotated[
    bool,
    typer.Option(
        "--show-prompts", help="Also show prompts, comments and names that a file declares."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Fmr = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="False match rate: share of comparisons of different generators that may pass.",
        show_default="the model's own, usually 0.01",
    ),
]
Fnmr = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help='False non-match rate: share of true pairs that may score so low that "different" '
        "is said.",
        show_default="the model's own, usually 0.05",
    ),
]
Fpir = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="False positive identification rate: share of probes by generators outside the "
        "gallery that may be named.",
        show_default="the model's own, usually 0.01",
    ),
]
Fnir = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="False negative identification rate: share of probes by enrolled generators that may "
        'score so low that "none of these" is said.',
        show_default="the model's own, usually 0.05",
    ),
]
Prior = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        help="How probable one generator was before the comparison, for the probability.",
    ),
]
Skip = Annotated[
    OnError,
    typer.Option(
        "--on-error", help="An unusable image is skipped and named, or ends the command."
    ),
]
Recursive = Annotated[
    bool,
    typer.Option("--recursive", "-r", help="Take folders in depth, with the folders in them."),
]
Together = Annotated[
    bool, typer.Option("--together", help="Take all images as one probe by one generator.")
]
Copies = Annotated[
    bool,
    typer.Option(
        "--copies/--no-copies",
        help="Keep what the images become at other sizes and as JPEG, WebP and AVIF as well, for "
        "probes processed since.",
    ),
]
SearchedGallery = Annotated[
    Place | None,
    typer.Option(
        "--gallery",
        "-g",
        parser=Place,
        metavar="GALLERY",
        help="A gallery of your own: a file (.fpg), or the address of one in a database.",
        show_default="the built-in gallery of decoder families",
    ),
]
OwnGallery = Annotated[
    Path | None,
    typer.Option(
        "--gallery",
        "-g",
        parser=file_only,
        metavar="PATH",
        help="A gallery file of your own (.fpg).",
        show_default="the built-in gallery of decoder families",
    ),
]
Known = Annotated[
    bool, typer.Option("--known", help="The built-in gallery beside the one of your own.")
]
EnrolledGallery = Annotated[
    Place,
    typer.Option(
        "--gallery",
        "-g",
        parser=Place,
        metavar="GALLERY",
        help="The gallery: a file (.fpg), or the address of one in a database.",
    ),
]
ListedGallery = Annotated[
    Place | None,
    typer.Argument(
        parser=Place,
        metavar="[GALLERY]",
        help="The gallery: a file, or the address of one in a database.",
        show_default="the built-in gallery",
    ),
]
AnyGallery = Annotated[
    Path | None,
    typer.Argument(
        parser=file_only,
        metavar="[GALLERY]",
        help="The gallery file.",
        show_default="the built-in gallery",
    ),
]
GalleryArgument = Annotated[
    Path, typer.Argument(parser=file_only, metavar="GALLERY", help="The gallery file.")
]
