"""Make the example images: CC0 photographs through four small autoencoders trained on the spot.

    python examples/make_images.py PHOTOS examples/images [NAME …]

PHOTOS is a folder of photographs. The four "generators" are synthetic models of seeds that no
training uses; each renders its own four photographs, and `wren` the probe beside the folder. With
names, only those are made. It takes minutes for each.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from trainer.images.photos import load_photos
from trainer.synthesis import (
    SynthesisRecipe,
    model_from_state,
    parse_architecture,
    train_architecture,
)

GENERATORS = {
    "lark": ("k1-l2-post-nearest-relu-batch-w32", 1001),
    "wren": ("k2-l1-pre-transposed-tanh-none-w32", 1002),
    "finch": ("k1-l1-post-bilinear-relu-instance-w32", 1003),
    "robin": ("k2-l2-post-transposed-relu-batch-w32", 1004),
}


def main(photos_folder: Path, out: Path, names: list[str]) -> None:
    torch.set_num_threads(1)
    photos = load_photos(photos_folder, side=216)
    training, others = photos.split(0.1)
    crops = others.crops(20, 216, np.random.default_rng(0))
    for number, (name, (architecture, seed)) in enumerate(GENERATORS.items()):
        if names and name not in names:
            continue
        contents = torch.from_numpy(crops[5 * number : 5 * number + 5])
        chosen = parse_architecture(architecture)
        made = train_architecture(chosen, (seed,), training, SynthesisRecipe())[0]
        model = model_from_state(chosen, seed, made.state)
        for i, image in enumerate(model.render(contents)[:, 0]):
            if i == 4 and name != "wren":
                continue
            path = out / name / f"{i + 1}.png" if i < 4 else out.parent / "probe.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
