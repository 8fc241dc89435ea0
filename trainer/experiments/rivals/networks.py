"""What trained rivals share here: what they see of an image, and a convolutional network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class HighPass(nn.Module):
    """What a binomial blur of 3×3 takes away: (N, C, H, W) in [-1, 1] -> the same shape.

    A `unit` is so many grey levels, and more than 4 units are cut off. For want of a GPU and of
    thousands of images: from a hundred a generator, networks on pixels learn their contents.
    """

    def __init__(self, unit: float = 4.0) -> None:
        super().__init__()
        self.unit = unit
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("blur", torch.outer(line, line)[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        planes = nn.functional.pad(x.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="reflect")
        blurred = nn.functional.conv2d(planes, self.blur).view_as(x)
        return ((x - blurred) * (127.5 / self.unit)).clamp(-4, 4)

    def extra_repr(self) -> str:
        return f"unit={self.unit}"


class ConvNet(nn.Module):
    """Four blocks of 3×3 convolutions, halved three times: (N, C, H, W) -> (N, 8·width).

    `stem` is `front` and the first two blocks, `tail` the rest with a global average; RepMix mixes
    between them. The papers' own backbones (ResNet-50, a plain CNN of 512 features) take a GPU.
    """

    def __init__(self, width: int, front: nn.Module) -> None:
        super().__init__()
        w = width
        self.features = 8 * w
        self.stem = nn.Sequential(
            front, *_block(3, w), *_block(w, w), nn.AvgPool2d(2),
            *_block(w, 2 * w), *_block(2 * w, 2 * w), nn.AvgPool2d(2),
        )  # fmt: skip
        self.tail = nn.Sequential(
            *_block(2 * w, 4 * w), *_block(4 * w, 4 * w), nn.AvgPool2d(2),
            *_block(4 * w, 8 * w), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.stem(x))


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
