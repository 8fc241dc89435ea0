"""How many requests does the service answer, how fast, and what happens beyond that?

    python -m benchmarks.service --out benchmarks/service/load.json

starts ``fingerprint serve`` on a loopback port and asks it to identify an image, by ever more
clients, each of which asks again as soon as it is answered. Who is refused waits a moment, less
than it was told to. Server and clients share the machine, so its rate is a lower bound.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.inference.machine import describe_machine

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "examples/probe.png"
CLIENTS = (1, 2, 4, 8, 16, 32, 64, 128)
_PAUSE = 0.2  # seconds that a refused client waits


@dataclass
class Load:
    """What happened to the requests of so many clients.

    Attributes:
        clients: that asked at a time.
        rate: answers a second.
        p50, p99: seconds to an answer.
        answered, refused, failed: requests; refused with 503, failed in any other way.
        refusal_p99: seconds to a refusal.
        images_a_call: mean number of images embedded in one call.
    """

    clients: int
    rate: float
    p50: float | None
    p99: float | None
    answered: int
    refused: int
    failed: int
    refusal_p99: float | None
    images_a_call: float


@dataclass
class Seen:
    """Seconds of each request by its end."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    failed: int = 0


@contextmanager
def server(*options: str) -> Iterator[str]:
    """The address of a service that runs meanwhile."""
    command = [sys.executable, "-m", "fingerprint_sdk", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            yield re.findall(r"http://\S+", line)[0]
        finally:
            process.terminate()


async def measure(address: str, clients: int, seconds: float, request: bytes) -> Load:
    """Ask for ``seconds`` by so many clients."""
    seen = Seen()
    before = batches(address)
    start = perf_counter()
    await asyncio.gather(*(ask(address, start + seconds, request, seen) for _ in range(clients)))
    took = perf_counter() - start
    images, calls = np.subtract(batches(address), before)
    return Load(
        clients=clients,
        rate=len(seen.answered) / took,
        p50=quantile(seen.answered, 0.5),
        p99=quantile(seen.answered, 0.99),
        answered=len(seen.answered),
        refused=len(seen.refused),
        failed=seen.failed,
        refusal_p99=quantile(seen.refused, 0.99),
        images_a_call=float(images / max(calls, 1)),
    )


async def ask(address: str, end: float, request: bytes, seen: Seen) -> None:
    """One client on a connection of its own.

    It sends and reads bytes only: libraries for HTTP would take more time than the server's answer
    where there are many clients.
    """
    parts = urlsplit(address)
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while perf_counter() < end:
        stream = stream or await asyncio.open_connection(parts.hostname, parts.port)
        reader, writer = stream
        start = perf_counter()
        try:
            writer.write(request)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"\r\ncontent-length: (\d+)", head)
            assert length is not None, head
            await reader.readexactly(int(length[1]))
        except (OSError, EOFError):
            seen.failed += 1
            stream = None
            continue
        took = perf_counter() - start
        if b"\r\nconnection: close" in head:
            writer.close()
            stream = None
        if head.startswith(b"http/1.1 200 "):
            seen.answered.append(took)
        elif head.startswith(b"http/1.1 503 ") and b"\r\nretry-after: " in head:
            seen.refused.append(took)
            await asyncio.sleep(_PAUSE)
        else:
            seen.failed += 1
    if stream is not None:
        stream[1].close()


def request_of(image: bytes) -> bytes:
    """A whole request to identify an image."""
    body = (
        b'--image\r\nContent-Disposition: form-data; name="images"; filename="probe.png"\r\n\r\n'
        + image
        + b"\r\n--image--\r\n"
    )
    head = (
        "POST /v1/identify HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary=image\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def batches(address: str) -> tuple[float, float]:
    """Images embedded and calls made so far."""
    with urlopen(f"{address}/metrics") as answer:
        text = answer.read().decode()
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("fingerprint_batch_images_")
    }
    return found["fingerprint_batch_images_sum"], found["fingerprint_batch_images_count"]


def quantile(values: list[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None


def wait_until_ready(address: str) -> None:
    """Until the model and the built-in gallery are loaded."""
    while True:
        try:
            with urlopen(f"{address}/readyz"):
                return
        except HTTPError:
            sleep(0.1)


def run(
    clients: Sequence[int], seconds: float, capacity: int, options: Sequence[str]
) -> dict[str, Any]:
    """All loads, one after another."""
    machine = describe_machine()
    image = IMAGE.read_bytes()
    request = request_of(image)
    with server("--capacity", str(capacity), *options) as address:
        wait_until_ready(address)
        loads = []
        for count in clients:
            loads.append(asyncio.run(measure(address, count, seconds, request)))
            print(shown(loads[-1]), flush=True)
    most = max(loads, key=lambda load: load.rate)
    return {
        "command": " ".join(["python -m benchmarks.service", *sys.argv[1:]]),
        "machine": machine,
        "note": "server and clients on one machine; load_average tells what else ran on it",
        "image": {"file": str(IMAGE.relative_to(ROOT)), "bytes": len(image)},
        "route": "/v1/identify, built-in gallery",
        "options": list(options),
        "capacity": capacity,
        "seconds": seconds,
        "saturation": {"rate": most.rate, "clients": most.clients},
        "loads": [asdict(load) for load in loads],
    }


def shown(load: Load) -> str:
    """A line of the table."""

    def ms(value: float | None) -> str:
        return "     -" if value is None else f"{1000 * value:6.0f}"

    return (
        f"{load.clients:4} clients  {load.rate:6.1f} /s  p50 {ms(load.p50)} ms  p99 "
        f"{ms(load.p99)} ms  refused {load.refused:5} (p99 {ms(load.refusal_p99)} ms)  failed "
        f"{load.failed}  images a call {load.images_a_call:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--seconds", type=float, default=10.0, help="for each number of clients")
    parser.add_argument("--capacity", type=int, default=32, help="of the service")
    parser.add_argument("--out", type=Path, help="JSON file of the figures")
    parser.add_argument("options", nargs="*", help="of fingerprint serve, after --")
    given = parser.parse_args()
    figures = run(given.clients, given.seconds, given.capacity, given.options)
    if given.out is not None:
        given.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
