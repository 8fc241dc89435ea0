"""The extractors: the compact network we ship, and the paper's ResNet-50 (III-C)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.extractor.whitening import Whitening


class CompactNet(nn.Module):
    """Small convolutional heads on the log spectrum, their unit embeddings side by side.

    (N, *shape) -> (N, embedding), where `embedding` counts all heads. Each head sees the channels
    that `heads` gives it, standardised bin by bin with the statistics that `fit_input` measured
    (a spectrum falls steeply, so a bin is told by its deviation), through one strided 3×3
    convolution for each of `widths` and one linear layer, which still knows every bin's place.
    Heads are trained each with a loss of its own: one that may not look at the image's own
    spectrum cannot learn its contents. Then each head's embedding is whitened (`fit_output`).
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        heads: tuple[tuple[int, ...], ...],
        widths: tuple[int, ...] = (32, 64, 96),
        embedding: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("scale", torch.ones(shape))
        self.channels = heads
        self.heads = nn.ModuleList(
            _head((len(channels), *shape[1:]), widths, embedding, dropout) for channels in heads
        )
        self.whitenings = nn.ModuleList(Whitening(embedding) for _ in heads)
        self.embedding = len(heads) * embedding

    def fit_input(self, features: Tensor) -> None:
        """Take mean and deviation of each input number from `features` (N, *shape)."""
        self.mean.copy_(features.float().mean(0))
        self.scale.copy_(1.0 / features.float().std(0).clamp(min=1e-3))

    def fit_output(self, embeddings: Tensor, shrinkage: float) -> None:
        """Fit each head's whitening to this network's `embeddings` (models, images, D)."""
        parts = embeddings.chunk(len(self.heads), dim=-1)
        for whitening, part in zip(self.whitenings, parts, strict=True):
            whitening.fit(part, shrinkage)

    def forward(self, signal: Tensor) -> Tensor:
        x = (signal - self.mean) * self.scale
        parts = [
            whitening(functional.normalize(head(x[:, channels]), dim=1))
            for head, channels, whitening in zip(
                self.heads, self.channels, self.whitenings, strict=True
            )
        ]
        return torch.cat(parts, dim=1)


def _head(
    shape: tuple[int, ...], widths: tuple[int, ...], embedding: int, dropout: float
) -> nn.Sequential:
    channels, height, width = shape
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise((channels, *widths)):
        layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.GELU()]
        height, width = (height + 1) // 2, (width + 1) // 2
    features = widths[-1] * height * width
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Dropout(dropout), nn.Linear(features, embedding)
    )


class ResNet50(nn.Module):
    """ResNet-50 up to its global average pool: (N, 3, H, W) -> (N, 2048), not normalised.

    Residual stages of 3, 4, 6, 3 bottlenecks, random start; batch norm on the input stands in for
    the range that ImageNet weights would expect.
    """

    def __init__(self) -> None:
        super().__init__()
        self.embedding = 2048
        self.stem = nn.Sequential(
            nn.BatchNorm2d(3),
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        stages: list[nn.Module] = []
        inputs = 64
        for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for i in range(blocks):
                stages.append(_Bottleneck(inputs, width, stride if i == 0 else 1))
                inputs = 4 * width
        self.stages = nn.Sequential(*stages)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, signal: Tensor) -> Tensor:
        return self.stages(self.stem(signal)).mean((2, 3))


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.shortcut(x))
