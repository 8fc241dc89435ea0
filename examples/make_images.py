"""Make the example images: CC0 photographs through two small autoencoders trained on the spot.

    python examples/make_images.py PHOTOS examples/images

PHOTOS is a folder of photographs. The two "generators" are synthetic models of seeds that no
training uses; each renders its own four photographs, and `wren` the probe beside the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from trainer.photos import load_photos
from trainer.synthesis import (
    SynthesisRecipe,
    model_from_state,
    parse_architecture,
    train_architecture,
)

GENERATORS = {
    "lark": ("k1-l2-post-nearest-relu-batch-w32", 1001),
    "wren": ("k2-l1-pre-transposed-tanh-none-w32", 1002),
}


def main(photos_folder: Path, out: Path) -> None:
    torch.set_num_threads(1)
    photos = load_photos(photos_folder, side=216)
    training, others = photos.split(0.1)
    crops = others.crops(10, 216, np.random.default_rng(0))
    for start, (name, (architecture, seed)) in zip((0, 5), GENERATORS.items(), strict=True):
        chosen = parse_architecture(architecture)
        made = train_architecture(chosen, (seed,), training, SynthesisRecipe())[0]
        model = model_from_state(chosen, seed, made.state)
        for i, image in enumerate(model.render(torch.from_numpy(crops[start : start + 5]))[:, 0]):
            if i == 4 and name == "lark":
                continue
            path = out / name / f"{i + 1}.png" if i < 4 else out.parent / "probe.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
