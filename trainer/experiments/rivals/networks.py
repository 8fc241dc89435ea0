"""The convolutional network that DNA-Det, RepMix and POSE share here, in two parts."""

from __future__ import annotations

from torch import Tensor, nn


class ConvNet(nn.Module):
    """Four blocks of 3×3 convolutions, halved three times: (N, C, H, W) -> (N, 8·width).

    `stem` is the first two blocks, `tail` the rest with a global average; RepMix mixes between
    them. The papers' own backbones (ResNet-50, a plain CNN of 512 features) take a GPU.
    """

    def __init__(self, width: int, inputs: int = 3) -> None:
        super().__init__()
        w = width
        self.features = 8 * w
        self.stem = nn.Sequential(
            *_block(inputs, w), *_block(w, w), nn.AvgPool2d(2),
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
