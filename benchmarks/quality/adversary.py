"""What does it cost to lose a trace, and to forge one?

    python benchmarks/quality/adversary.py SHARED [--model compact] [--images 3] [--out FILE]

SHARED is the folder that the files of `zoo/known.csv` lie below, with `photos`. Images are pixels
without a file, at most 512 pixels a side. The built-in gallery holds those attacked, each as one
of 25 to 36 of its source, so that a trace is harder to lose than for others. Shares in percent, at
the default error rates. Nobody optimises against the weights here: that is known to work
(docs/limits.md).

- lost: images by real generators, processed or re-encoded by an autoencoder of another family.
  In the gallery: named as their own family, as another, or not. `verify`: each beside five
  untouched images of the same generator, and beside five of each other family.
- forged: photographs and images by others, made to look like a victim's. By what is known of the
  victim's images, a real generator (the mean residual of 15 images added, the mean spectrum of
  their residuals imposed), or re-encoded by the victim, a synthetic autoencoder whose images are
  enrolled, or by one of its architecture that was trained apart.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ImageFilter
from scipy.ndimage import gaussian_filter
from treated import as_file, numbers, pillow, resized

import fingerprint_sdk as fp
from fingerprint_sdk.evidence.side import Side, side_of
from fingerprint_sdk.images import load_image
from fingerprint_sdk.verification import verify_sides
from trainer.evaluation import read_image_set
from trainer.images.photos import Photos, load_photos
from trainer.known.evaluate import answers
from trainer.synthesis import (
    GroupedAutoencoder,
    SynthesisRecipe,
    model_from_state,
    parse_architecture,
    train_architecture,
)

Pixels = np.ndarray
Attack = Callable[[Pixels, np.random.Generator], Pixels]

SIDE = 512
BESIDE = 5  # untouched images
FORGED = 12  # images for each victim
VICTIMS = ("stable-diffusion-v1-bento170502", "gpt-4o-image", "stylegan2-ffhq-config-f")
ARCHITECTURES = (
    "k1-l1-pre-nearest-relu-none-w32",
    "k2-l2-post-bilinear-none-batch-w32",
    "k1-l1-post-transposed-none-none-w32",
)
RECIPE = SynthesisRecipe(steps=40)

SIMPLE: dict[str, Attack] = {
    "nothing": lambda image, rng: image,
    "JPEG 90": as_file("JPEG", quality=90),
    "JPEG 75": as_file("JPEG", quality=75),
    "JPEG 50": as_file("JPEG", quality=50),
    "resized to 75 %": resized(0.75),
    "resized to 50 %": resized(0.5),
    "median of 3 × 3": pillow(lambda image: image.filter(ImageFilter.MedianFilter(3))),
    "noise of deviation 2": numbers(lambda x, rng: x + rng.normal(0, 2, x.shape)),
    "noise of deviation 8": numbers(lambda x, rng: x + rng.normal(0, 8, x.shape)),
    "blur of 0.6 px": numbers(lambda x, rng: gaussian_filter(x, (0.6, 0.6, 0))),
    "blur of 1.2 px": numbers(lambda x, rng: gaussian_filter(x, (1.2, 1.2, 0))),
}


def pixels_of(path: Path) -> Pixels:
    """The middle of an image, at most `SIDE` a side, of sides divisible by 16."""
    image = load_image(path).pixels
    height, width = (min(SIDE, side) // 16 * 16 for side in image.shape[:2])
    top, left = ((a - b) // 2 for a, b in zip(image.shape[:2], (height, width), strict=True))
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def residual(image: Pixels) -> np.ndarray:
    """What a blur takes away, of the middle 256 pixels."""
    top, left = (image.shape[0] - 256) // 2, (image.shape[1] - 256) // 2
    middle = image[top : top + 256, left : left + 256].astype(np.float64)
    return middle - gaussian_filter(middle, (1.5, 1.5, 0))


def averaged_residual(victim: Sequence[Pixels]) -> Attack:
    """Add what the victim's images have in common, as often as it fits, as strong as theirs."""
    common = np.mean([residual(image) for image in victim], axis=0)
    common *= np.mean([residual(image).std() for image in victim]) / common.std()

    def forge(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        rows, columns = (-(-side // 256) for side in x.shape[:2])
        return x + np.tile(common, (rows, columns, 1))[: x.shape[0], : x.shape[1]]

    return numbers(forge)


def averaged_spectrum(victim: Sequence[Pixels]) -> Attack:
    """Give each tile's residual the mean amplitudes of the victim's, and keep its phases."""
    wanted = np.mean([_amplitudes(residual(image)) for image in victim], axis=0)

    def forge(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        smooth = gaussian_filter(x, (1.5, 1.5, 0))
        out, rest = x.copy(), x - smooth
        for top in range(0, x.shape[0] - 255, 256):
            for left in range(0, x.shape[1] - 255, 256):
                at = np.s_[top : top + 256, left : left + 256]
                spectrum = np.fft.fft2(rest[at], axes=(0, 1))
                spectrum *= wanted / np.maximum(np.abs(spectrum), 1e-9)
                out[at] = smooth[at] + np.fft.ifft2(spectrum, axes=(0, 1)).real
        return out

    return numbers(forge)


def _amplitudes(tile: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.fft2(tile, axes=(0, 1)))


def autoencoders(photos: Photos) -> dict[str, tuple[Attack, Attack, float]]:
    """Of each architecture two that were trained apart, and the error of the first."""
    found = {}
    for name in ARCHITECTURES:
        architecture = parse_architecture(name)
        one, other = train_architecture(architecture, (0, 1), photos, RECIPE)
        attacks = []
        for model in (one, other):
            network = model_from_state(architecture, model.seed, model.state)
            attacks.append(_reencoded(network.eval()))
        found[name] = (attacks[0], attacks[1], one.reconstruction_error)
    return found


def _reencoded(network: GroupedAutoencoder) -> Attack:
    def attack(image: Pixels, rng: np.random.Generator) -> Pixels:
        given = torch.from_numpy(image).permute(2, 0, 1)[None]
        return network.render(given)[0, 0].permute(1, 2, 0).contiguous().numpy()

    return attack


class Judge:
    """What the SDK says of images."""

    def __init__(self, extractor: fp.Extractor, gallery: fp.Gallery) -> None:
        self.extractor, self.gallery = extractor, gallery
        self.family = {
            name: name if entry.provenance is None else entry.provenance.family
            for name, entry in gallery.items()
        }

    def embedded(self, images: Iterable[Pixels]) -> tuple[np.ndarray, tuple[fp.Quality, ...]]:
        return self.extractor.embed_with_quality(images)

    def named(self, rows: np.ndarray, quality: Sequence[fp.Quality]) -> list[str]:
        """The family that each is named as, or "none" or "inconclusive"."""
        fpir = self.extractor.calibration.default_fmr
        found = answers(self.gallery, rows, quality, fpir)
        return [str(one.best) if one.verdict == "named" else one.verdict for one in found]

    def side(self, rows: np.ndarray, quality: Sequence[fp.Quality]) -> Side:
        return side_of(rows, tuple(quality), self.extractor.calibration)

    def verdicts(self, rows: np.ndarray, quality: Sequence[fp.Quality], other: Side) -> list[str]:
        """Of each by itself beside a side."""
        calibration = self.extractor.calibration
        return [
            verify_sides(self.side(row[None], (one,)), other, calibration).verdict
            for row, one in zip(rows, quality, strict=True)
        ]


def shares(found: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    return {name: round(100 * found.count(name) / len(found), 1) for name in names}


VERDICTS = ("same", "different", "inconclusive")


def lose(judge: Judge, shared: Path, count: int, attacks: dict[str, Attack]) -> dict[str, Any]:
    """Every attack on `count` images of every generator of `eval/lossless`."""
    found = read_image_set(shared / "eval" / "lossless")
    whose, images, beside = [], [], {}
    for generator, paths in found.images.items():
        images += [pixels_of(path) for path in paths[:count]]
        whose += [generator] * count
        rows = judge.embedded(pixels_of(path) for path in paths[count : count + BESIDE])
        beside[generator] = judge.side(*rows)
    families = {
        generator: next(f for name, f in judge.family.items() if name.endswith(generator))
        for generator in beside
    }
    table = {}
    for name, attack in attacks.items():
        rng = np.random.default_rng(0)
        rows, quality = judge.embedded(attack(image, rng) for image in images)
        named = judge.named(rows, quality)
        own, other = [], []
        for generator, side in beside.items():
            verdicts = judge.verdicts(rows, quality, side)
            for verdict, maker in zip(verdicts, whose, strict=True):
                if maker == generator:
                    own.append(verdict)
                elif found.decoders[maker] != found.decoders[generator]:
                    other.append(verdict)
        right = [
            "right" if n == families[w] else n if n in ("none", "inconclusive") else "wrong"
            for n, w in zip(named, whose, strict=True)
        ]
        table[name] = {
            "images": len(images),
            "gallery": shares(right, ("right", "wrong", "none", "inconclusive")),
            "verify, own generator": shares(own, VERDICTS),
            "verify, others": shares(other, VERDICTS),
        }
        print(name, table[name], flush=True)
    return table


def forge(
    judge: Judge, shared: Path, models: dict[str, tuple[Attack, Attack, float]]
) -> dict[str, Any]:
    """Images by others, half of them photographs, made to look like each victim."""
    count = FORGED // 4
    found = read_image_set(shared / "eval" / "lossless").images
    photographs = sorted((shared / "photos" / "research").rglob("*.jp*g"))
    chosen = photographs[:: max(1, len(photographs) // (2 * count))][: 2 * count]
    others = [paths[-1 - i] for i in range(2) for paths in found.values()]
    table: dict[str, Any] = {}

    def judged(name: str, victim: str, forged: list[Pixels], side: Side) -> None:
        rows, quality = judge.embedded(forged)
        named = [
            "victim" if n == victim else n if n in ("none", "inconclusive") else "another"
            for n in judge.named(rows, quality)
        ]
        row = table.setdefault(name, {"named": [], "verify": []})
        row["named"] += named
        row["verify"] += judge.verdicts(rows, quality, side)

    for victim in VICTIMS:
        paths = found[victim]
        known = [pixels_of(path) for path in paths[BESIDE:20]]
        given = [pixels_of(path) for path in others if path.parent.name != victim]
        given = [pixels_of(path) for path in chosen] + given[: 2 * count]
        side = judge.side(*judge.embedded(pixels_of(path) for path in paths[:BESIDE]))
        family = next(f for name, f in judge.family.items() if name.endswith(victim))
        rng = np.random.default_rng(0)
        judged("untouched", family, given, side)
        for name, attack in (
            ("averaged residual added", averaged_residual(known)),
            ("averaged spectrum imposed", averaged_spectrum(known)),
        ):
            judged(name, family, [attack(image, rng) for image in given], side)
    rng = np.random.default_rng(0)
    originals = [pixels_of(path) for path in photographs[1 :: len(photographs) // 16][:15]]
    for name, (model, _, _) in models.items():
        rows = judge.embedded(model(image, rng) for image in originals)
        judge.gallery.enroll(name, rows[0])
        judge.family[name] = name
    for name, (model, apart, _) in models.items():
        given = [pixels_of(path) for path in [*chosen, *others[: 2 * count]]]
        side = judge.side(*judge.embedded(model(image, rng) for image in originals[:BESIDE]))
        judged("re-encoded by the victim", name, [model(image, rng) for image in given], side)
        judged("by its architecture, trained apart", name, [apart(x, rng) for x in given], side)
    for row in table.values():
        row["images"] = len(row["named"])
        row["named"] = shares(row["named"], ("victim", "another", "none", "inconclusive"))
        row["verify"] = shares(row["verify"], VERDICTS)
    for name, row in table.items():
        print(name, row, flush=True)
    return table


def main(shared: Path, model: str, count: int, out: Path) -> None:
    torch.set_num_threads(1)
    extractor = fp.load(model, device="cpu")
    judge = Judge(extractor, fp.known(extractor))
    models = autoencoders(load_photos(shared / "photos" / "open" / "camera_mdx", side=128))
    print({name: round(error, 4) for name, (*_, error) in models.items()}, flush=True)
    reencoded = {
        f"re-encoded, {name} (error {error:.4f})": one for name, (one, _, error) in models.items()
    }
    report = {
        "model": {
            "name": extractor.name,
            "version": extractor.version,
            "sha256": extractor.model_sha256,
        },
        "lost": lose(judge, shared, count, {**SIMPLE, **reencoded}),
        "forged": forge(judge, shared, models),
    }
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--images", type=int, default=3, help="of each generator")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("adversary.json"))
    arguments = parser.parse_args()
    main(arguments.shared, arguments.model, arguments.images, arguments.out)
