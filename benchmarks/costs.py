"""What would a large job take? Times from measured rates and counted operations.

    python -m benchmarks.costs

Prints the tables of docs/costs.md. Nothing is run: each number has its source beside it, and what
nobody measured is called assumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MODELS, STEPS, BATCH = 5_760, 40_000, 200  # the paper's recipe; 40 epochs of about 1,000 steps
IMAGES, VECTORS, SIZE = 50_000_000, 100_000_000, 641


@dataclass(frozen=True)
class Assumption:
    """A number that times are made of.

    Attributes:
        value: the number.
        what: it is, with its unit.
        source: where it is from.
        measured: whether somebody measured it.
    """

    value: float
    what: str
    source: str
    measured: bool


@dataclass(frozen=True)
class Machines:
    """What a job runs on: cores and GPUs in all, and what share of their sum is got of several."""

    name: str
    cores: int
    gpus: int
    share: float


def assumptions() -> dict[str, Assumption]:
    """All of them, by a short name."""
    speed = json.loads((HERE / "inference" / "speed-avx512-intel.json").read_text())
    index = json.loads((HERE / "index" / "costs.json").read_text())["index"]["float32"]
    of_speed, of_index = (
        "benchmarks/inference/speed-avx512-intel.json",
        "benchmarks/index/costs.json",
    )
    on_gpu = "benchmarks/quality/README.md, one H200: 2,850 steps in 161 s"
    on_cores = "benchmarks/quality/README.md, two cores: 150 steps of 64 images in 38 minutes"
    rate = _one(speed["sweep"], threads=2, pixels=512, batch=8, decode=True)["images_per_s"]
    decode = _one(speed["stages"], stage="decode", threads=1)["ours_ms"] / 4
    macs = _one(speed["sessions"], threads=1, windows=16)["macs"]
    probe = index["open"]["search_16_s"] / 16
    moved = index["make"]["rows"] * SIZE * 4 / probe
    return {
        "synthesis": Assumption(
            2.6, "core-seconds to make a synthetic model of 80 steps", "docs/training.md", True
        ),
        "steps on cores": Assumption(
            150 * 64 / (38 * 60) / 2, "images a second and core that are trained with", on_cores,
            True
        ),
        "steps on a GPU": Assumption(
            2850 * BATCH / 161, "images a second and GPU that are trained with", on_gpu, True
        ),
        "embedding": Assumption(
            rate / 2, "images of 512 × 512 px embedded a second and core", of_speed, True
        ),
        "decoding": Assumption(
            decode, "core-milliseconds to decode one, a quarter of one of 1024 × 1024", of_speed,
            True
        ),
        "operations": Assumption(macs / 1e9, "10⁹ multiply-adds to embed one", of_speed, True),
        "GPU": Assumption(
            5.0, "10¹² multiply-adds a second that a GPU does of them, 15 % of an H200's float32 "
            "peak of 67 TFLOPS", "no GPU was measured embedding", False
        ),
        "memory of two cores": Assumption(
            moved / 1e9, "GB a second that an exact search reads", of_index, True
        ),
        "memory of 64 cores": Assumption(
            200.0, "the same of a server, below half of twelve channels of DDR5-4800",
            "data sheets", False
        ),
        "memory of a GPU": Assumption(
            2400.0, "the same of an H200, half of its 4.8 TB/s", "data sheet", False
        ),
        "cores of a GPU": Assumption(16, "cores beside each GPU", "what is often rented", False),
        "cores of a machine": Assumption(64, "cores of each of ten machines", "as asked", False),
        "share of 64 cores": Assumption(
            0.8, "of 32 times two cores' rate", "not measured beyond two cores", False
        ),
        "share of 8 GPUs": Assumption(
            0.7, "of eight times one GPU's rate", "several GPUs were not at hand", False
        ),
        "share of 10 machines": Assumption(
            0.7, "of ten times one machine's sum", "several machines were not at hand", False
        ),
    }  # fmt: skip


def machines(known: Mapping[str, Assumption]) -> tuple[Machines, ...]:
    """The columns."""
    beside, each = int(known["cores of a GPU"].value), int(known["cores of a machine"].value)
    many = known["share of 64 cores"].value
    return (
        Machines("2 cores", 2, 0, 1.0),
        Machines("64 cores", 64, 0, many),
        Machines("1 GPU", beside, 1, 1.0),
        Machines("8 GPUs", 8 * beside, 8, known["share of 8 GPUs"].value),
        Machines("10 machines", 10 * each, 0, known["share of 10 machines"].value * many),
    )


def seconds(on: Machines, known: Mapping[str, Assumption]) -> dict[str, float]:
    """Of each job."""
    cores = on.cores * on.share
    training, embedding = known["steps on cores"].value * cores, known["embedding"].value * cores
    if on.gpus:
        gpus = on.gpus * on.share
        training = known["steps on a GPU"].value * gpus
        computed = 1e3 * known["GPU"].value / known["operations"].value * gpus
        embedding = min(computed, 1e3 / known["decoding"].value * cores)
    return {
        f"{MODELS:,} synthetic models": MODELS * known["synthesis"].value / cores,
        f"{STEPS:,} steps of {BATCH} images": STEPS * BATCH / training,
        f"{IMAGES:,} embeddings": IMAGES / embedding,
        f"one search of {VECTORS:,} vectors": VECTORS * SIZE * _width(on) / _read(on, known),
    }


def tables() -> str:
    """Both, as Markdown."""
    known = assumptions()
    columns = machines(known)
    found = [seconds(on, known) for on in columns]
    lines = ["| | " + " | ".join(on.name for on in columns) + " |", "|---" * 6 + "|"]
    for job in found[0]:
        lines.append(f"| {job} | " + " | ".join(_time(one[job]) for one in found) + " |")
    held = (f"{VECTORS * SIZE * _width(on) / 1e9:.0f} GB" for on in columns)
    lines.append("| memory that the search needs | " + " | ".join(held) + " |")
    lines += ["", "| Name | Value | What | From |", "|---|---|---|---|"]
    for name, one in known.items():
        kind = "" if one.measured else "**assumed**: "
        lines.append(f"| {name} | {_number(one.value)} | {one.what} | {kind}{one.source} |")
    return "\n".join(lines)


def _width(on: Machines) -> int:
    """Bytes of a number: GPUs hold float16, since float32 would not fit one."""
    return 2 if on.gpus else 4


def _read(on: Machines, known: Mapping[str, Assumption]) -> float:
    """Bytes a second that all of them read."""
    if on.gpus:
        return 1e9 * known["memory of a GPU"].value * on.gpus * on.share
    if on.cores == 2:
        return 1e9 * known["memory of two cores"].value
    several = on.cores / known["cores of a machine"].value
    share = known["share of 10 machines"].value if several > 1 else 1.0
    return 1e9 * known["memory of 64 cores"].value * several * share


def _one(rows: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    [found] = [row for row in rows if wanted.items() <= row.items()]
    return found


def _time(found: float) -> str:
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if found >= (2 * size if size > 1 else 1):
            return f"{_number(found / size)} {unit}"
    return f"{_number(found * 1e3)} ms"


def _number(value: float) -> str:
    """Two digits, since none of this is known better."""
    return f"{float(f'{value:.2g}'):,.10g}"


if __name__ == "__main__":
    print(tables())
