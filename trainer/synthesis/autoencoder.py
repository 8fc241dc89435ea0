"""Synthetic models: shallow autoencoders, all seeds of one architecture in one grouped network.

Paper III-B and Fig. 8. A down block is pool, conv, BN, ReLU, conv, BN; an up block is upsampling,
convolution, normalisation and activation in the architecture's order. Convolutions carry one
group per seed and every other layer works channel by channel, so the seeds never mix and training
them together equals training them apart.

Where the paper's last block ends in an activation or a normalisation ("post"), the RGB output
passes through it. A ReLU or sigmoid then yields [0, 1], the others [-1, 1]. An instance
normalisation erases each image's brightness and contrast, so the last block gives the statistics
of the input image back (as AdaIN does). Without this no such model could reconstruct at all.
"""

from __future__ import annotations

import hashlib
import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.synthesis.architectures import Architecture

_EPSILON = 1e-5


class GroupedAutoencoder(nn.Module):
    """`len(seeds)` synthetic models of one architecture.

    Input and output: float32 (N, S, 3, H, W) RGB in [0, 1], S = len(seeds), H and W divisible by
    2^K. The output is neither clamped nor rounded; `render` does both.

    Equations: docs/method.md#synthesis.
    """

    def __init__(
        self, architecture: Architecture, seeds: tuple[int, ...], *, spread: float = 1.0
    ) -> None:
        super().__init__()
        self.architecture, self.seeds = architecture, tuple(seeds)
        groups, width, blocks = len(self.seeds), architecture.width, architecture.blocks
        channels = [3] + [width * 2**i for i in range(blocks)]  # 3, 32 (, 64)
        self.encoder = nn.Sequential(
            *(_DownBlock(a, b, groups) for a, b in itertools.pairwise(channels))
        )
        ups = list(zip(channels[:0:-1], channels[-2::-1], strict=True))  # (64, 32), (32, 3)
        self.decoder = nn.ModuleList(
            _UpBlock(architecture, a, b, groups, rgb=b == 3) for a, b in ups
        )
        self.unit_range = architecture.order == "post" and architecture.activation in (
            "relu",
            "sigmoid",
        )
        _initialise(self, spread)

    def forward(self, images: Tensor) -> Tensor:
        count, groups = images.shape[:2]
        x = images.flatten(1, 2)
        x = x if self.unit_range else 2 * x - 1
        features, target = self.encoder(x), x
        for block in self.decoder:
            features = block(features, target)
        out = features.view(count, groups, *images.shape[2:])
        return out if self.unit_range else (out + 1) / 2

    @torch.no_grad()
    def render(self, images: Tensor) -> Tensor:
        """What the models would save as files: uint8 (N, 3, H, W) -> uint8 (N, S, 3, H, W)."""
        x = (images.float() / 255.0)[:, None].expand(-1, len(self.seeds), -1, -1, -1)
        return (self(x).clamp(0, 1) * 255.0).round().to(torch.uint8)


class _DownBlock(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__(
            nn.AvgPool2d(2),
            _conv(inputs, outputs, groups),
            nn.BatchNorm2d(outputs * groups),
            nn.ReLU(),
            _conv(outputs, outputs, groups),
            nn.BatchNorm2d(outputs * groups),
        )


class _UpBlock(nn.Module):
    def __init__(
        self, architecture: Architecture, inputs: int, outputs: int, groups: int, *, rgb: bool
    ) -> None:
        super().__init__()
        self.architecture, self.rgb = architecture, rgb
        self.up = _upsampling(architecture.upsampling, inputs, groups)
        widths = [inputs] * architecture.convolutions + [outputs]
        pairs = list(itertools.pairwise(widths))
        self.convolutions = nn.ModuleList(_conv(a, b, groups) for a, b in pairs)
        # "pre" normalises what enters a convolution, "post" what leaves it.
        post = architecture.order == "post"
        self.norms = nn.ModuleList(
            _normalisation(architecture.normalisation, (b if post else a) * groups)
            for a, b in pairs
        )

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        last = len(self.convolutions) - 1
        restore = self.rgb and self.architecture.normalisation == "instance"
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            if self.architecture.order == "pre":
                x = _activate(norm(x), self.architecture.activation)
            x = convolution(self.up(x) if i == 0 else x)
            if self.architecture.order == "post":
                x = norm(x)
                if restore and i == last:
                    x = _restore_statistics(x, image, self.architecture.activation)
                x = _activate(x, self.architecture.activation)
            elif restore and i == last:
                x = _restore_statistics(x, image, "none")
        return x


def _conv(inputs: int, outputs: int, groups: int) -> nn.Conv2d:
    return nn.Conv2d(inputs * groups, outputs * groups, 3, padding=1, groups=groups)


def _upsampling(kind: str, channels: int, groups: int) -> nn.Module:
    if kind == "transposed":
        total = channels * groups
        return nn.ConvTranspose2d(total, total, 2, stride=2, groups=groups)
    if kind == "nearest":
        return nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


def _normalisation(kind: str, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if kind == "instance" else nn.Identity()


def _activate(x: Tensor, kind: str) -> Tensor:
    if kind == "relu":
        return functional.relu(x)
    if kind == "sigmoid":
        return torch.sigmoid(x)
    return torch.tanh(x) if kind == "tanh" else x


def _restore_statistics(x: Tensor, image: Tensor, activation: str) -> Tensor:
    """Give each normalised channel the mean and deviation the image has before the activation."""
    if activation == "sigmoid":
        image = torch.logit(image, 0.02)
    elif activation == "tanh":
        image = torch.atanh(image.clamp(-0.96, 0.96))
    deviation, mean = torch.std_mean(image, dim=(2, 3), keepdim=True)
    return x * (deviation + _EPSILON) + mean


def _initialise(network: GroupedAutoencoder, spread: float) -> None:
    """Draw each seed's weights from its own generator, whichever seeds it is trained beside.

    `spread` scales the outer taps of each kernel against its centre, at equal total power: 1 is
    the usual start, less keeps fine detail through untrained layers.
    """
    seeds = network.seeds
    generators = [_generator(network.architecture, seed) for seed in seeds]
    for module in network.modules():
        if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            continue
        for i, generator in enumerate(generators):
            weight = module.weight.data.view(len(seeds), -1, *module.weight.shape[1:])[i]
            bias = module.bias.data.view(len(seeds), -1)[i]
            fan_in = module.weight[0].numel() if isinstance(module, nn.Conv2d) else weight.shape[0]
            bound = fan_in**-0.5
            weight.uniform_(-(3**0.5) * bound, 3**0.5 * bound, generator=generator)
            bias.uniform_(-bound, bound, generator=generator)
            if weight.shape[-1] == 3:
                taps = torch.full((3, 3), spread)
                taps[1, 1] = 1.0
                weight *= taps * 3 / taps.square().sum().sqrt()


def _generator(architecture: Architecture, seed: int) -> torch.Generator:
    digest = hashlib.sha256(f"{architecture.id}:{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def split_state(network: GroupedAutoencoder) -> list[dict[str, Tensor]]:
    """One state per seed, each loadable into a one-seed network of the same architecture."""
    groups = len(network.seeds)
    states: list[dict[str, Tensor]] = [{} for _ in network.seeds]
    for name, value in network.state_dict().items():
        for i in range(groups):
            shared = value.ndim == 0  # BatchNorm's step counter
            own = value if shared else value.chunk(groups)[i]
            states[i][name] = own.clone(memory_format=torch.contiguous_format)
    return states


def join_states(
    architecture: Architecture, states: dict[int, dict[str, Tensor]]
) -> GroupedAutoencoder:
    """The inverse of `split_state`: `states` maps seed to state."""
    network = GroupedAutoencoder(architecture, tuple(states))
    joined = {
        name: value if value.ndim == 0 else torch.cat([state[name] for state in states.values()])
        for name, value in next(iter(states.values())).items()
    }
    network.load_state_dict(joined)
    return network.eval()
