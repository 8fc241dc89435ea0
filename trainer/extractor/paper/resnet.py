"""The paper's extractor: ResNet-50 (III-C)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class ResNet50(nn.Module):
    """ResNet-50 up to its global average pool: (N, 3, H, W) -> (N, 32·width), not normalised.

    Residual stages of 3, 4, 6, 3 bottlenecks, random start; batch norm on the input stands in for
    the range that ImageNet weights would expect. `width` is the channels of the stem, 64 in
    ResNet-50; those of all layers are in proportion.

    Equations: docs/method.md#paper.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.embedding = 32 * width
        self.stem = nn.Sequential(
            nn.BatchNorm2d(3),
            nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        stages: list[nn.Module] = []
        inputs = width
        for times, blocks, stride in ((1, 3, 1), (2, 4, 2), (4, 6, 2), (8, 3, 2)):
            for i in range(blocks):
                stages.append(_Bottleneck(inputs, times * width, stride if i == 0 else 1))
                inputs = 4 * times * width
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
