"""The denoiser (paper III-C) and its cheap student.

Both predict the residual: the part of an image that a denoiser of noise level σ = 1/255 would
take away. Neither pads, so every output pixel sees real pixels only, and denoising a whole image
equals denoising its patches.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class DnCNN(nn.Module):
    """DnCNN: `depth` unpadded 3×3 convolutions, `width` channels, batch norm on the middle ones.

    Input float32 (N, 3, H, W) in [0, 1]; output (N, 3, H − 2·depth, W − 2·depth), the residual
    in units of σ (1/255). 17×64 is the paper's: 128 px become 94 px.

    Equations: docs/method.md#denoiser.
    """

    def __init__(self, depth: int = 17, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [_ZeroMeanConv2d(3, width, 3, bias=False), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers += [
                nn.Conv2d(width, width, 3, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
        layers.append(nn.Conv2d(width, 3, 3))
        self.layers = nn.Sequential(*layers)
        self.margin = depth
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images: Tensor) -> Tensor:
        return self.of_levels(images * 255.0)

    def of_levels(self, levels: Tensor) -> Tensor:
        """The same of images in [0, 255], grey levels."""
        return self.layers(levels)


class Student(nn.Module):
    """A shallow DnCNN without batch norm, distilled from it: same input, same meaning of output.

    `depth` unpadded 3×3 convolutions of `width` channels. At the defaults it takes a seventieth
    of the DnCNN's multiply-accumulates for a 128 px window, and the DnCNN is 84 % of the paper's
    inference.

    Equations: docs/method.md#denoiser.
    """

    def __init__(self, depth: int = 4, width: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = [_ZeroMeanConv2d(3, width, 3, bias=False), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3), nn.ReLU(inplace=True)]
        layers.append(_FiveRowConv2d(width, 3, 3))
        self.layers = nn.Sequential(*layers)
        self.margin = depth

    def forward(self, images: Tensor) -> Tensor:
        return self.of_levels(images * 255.0)

    def of_levels(self, levels: Tensor) -> Tensor:
        """The same of images in [0, 255], grey levels."""
        return self.layers(levels)


class _ZeroMeanConv2d(nn.Conv2d):
    """A first convolution blind to brightness, which says nothing about noise of σ = 1/255."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean(dim=(2, 3), keepdim=True)
        return nn.functional.conv2d(x, weight)


class _FiveRowConv2d(nn.Conv2d):
    """A last convolution that computes five rows of its few channels at a time.

    Three channels leave most of a CPU's vector idle; fifteen do not, though most of their 7×3
    kernels is zeros.
    """

    def forward(self, x: Tensor) -> Tensor:
        height = x.shape[-2] - 2
        if height % 5:
            return super().forward(x)
        weight = torch.stack(
            [functional.pad(self.weight, (0, 0, i, 4 - i)) for i in range(5)], dim=1
        )
        bias = self.bias.repeat_interleave(5)
        rows = functional.conv2d(x, weight.flatten(0, 1), bias, stride=(5, 1))
        rows = rows.unflatten(1, (3, 5)).transpose(2, 3)
        return rows.flatten(2, 3)


def macs(network: nn.Module, side: int = 128) -> int:
    """Multiply-accumulates of one (3, side, side) image, counted over its convolutions."""
    total = 0
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            side -= module.kernel_size[0] - 1
            total += side * side * module.weight.numel()
    return total


def network_from_state(state: dict[str, Tensor]) -> DnCNN | Student:
    """The teacher or student whose weights `state` holds; only the teacher has batch norm."""
    convolutions = [v for k, v in state.items() if k.endswith("weight") and v.ndim == 4]
    # By name: a safetensors file gives its tensors in no fixed order.
    depth, width = len(convolutions), len(state["layers.0.weight"])
    teacher = any("running_mean" in name for name in state)
    network = DnCNN(depth, width) if teacher else Student(depth, width)
    network.load_state_dict(state)
    return network.eval()
