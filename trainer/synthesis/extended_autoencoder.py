"""A model of the wider family, drawn whole from (architecture number, seed).

Random layers, and a last convolution that is solved in closed form (see `closed_form`); `descent`
then trains all of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.synthesis.closed_form import settle_batch_norms
from trainer.synthesis.extended import TWIN_DISTANCE, ExtendedArchitecture

_MOST_PIXELS = 12_000  # of the regression; a few hundred unknowns need no more


class ExtendedAutoencoder(nn.Module):
    """One model. float32 (N, 3, H, W) RGB in [0, 1] -> the same, neither clamped nor rounded.

    Equations: docs/method.md#synthesis.
    """

    def __init__(self, architecture: ExtendedArchitecture, seed: int) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.seed = seed
        scale = 2**a.stages
        w = a.width
        self.encoders = nn.ModuleList(
            nn.Conv2d(3 * 4 if level < a.stages else 3 * scale**2, w, 1)
            for level in range(1, a.stages + 1)
        )
        self.bottleneck = nn.Sequential(nn.Conv2d(w, a.latent, 1), nn.Conv2d(a.latent, w, 1))
        self.ups = nn.ModuleList(_Up(a.upsampling, w) for _ in range(a.stages))
        self.hidden = nn.ModuleList(
            nn.ModuleList(
                nn.Conv2d(w, w, 3, padding=1)
                for _ in range(a.convolutions - (1 if stage == a.stages - 1 else 0))
            )
            for stage in range(a.stages)
        )
        self.norms = nn.ModuleList(_norm(a.normalisation, w) for _ in range(a.stages))
        outputs = 3 * scale**2 if a.upsampling == "patch" else 3
        kernel = min(a.kernel, 3) if a.upsampling == "patch" else a.kernel
        self.last = nn.Conv2d(w, outputs, kernel, padding=kernel // 2)
        _draw_weights(self, a, seed)

    def features(self, images: Tensor) -> Tensor:
        """What the last convolution sees."""
        a, x = self.architecture, 2 * images - 1
        codes = []
        for level, encoder in enumerate(self.encoders, start=1):
            if level < a.stages:  # what a decoder knows at this scale, not all that there is
                small = functional.pixel_unshuffle(functional.avg_pool2d(x, 2 ** (level - 1)), 2)
            else:
                small = functional.pixel_unshuffle(x, 2**level)
            codes.append(encoder(small))
        h = self.bottleneck(codes[-1])
        if a.upsampling == "patch":
            return self._act(self.norms[0](self._convolve(h, self.hidden[0])))
        for stage, (up, norm) in enumerate(zip(self.ups, self.norms, strict=True)):
            h = up(self._act(norm(h)))
            h = self._convolve(h, self.hidden[stage])
            if a.noise:
                h = h + a.noise * torch.randn(h.shape, generator=_noise(images, stage))
            if stage < a.stages - 1:
                h = h + codes[-2 - stage]
        return self._act(h) if a.convolutions > 1 else h

    def forward(self, images: Tensor) -> Tensor:
        a = self.architecture
        out = self.last(self.features(images))
        if a.upsampling == "patch":
            out = functional.pixel_shuffle(out, 2**a.stages)
        if a.skip:
            out = out + _coarse(images, a)
        if a.output == "tanh":
            out = torch.tanh(out)
        elif a.output == "sigmoid":
            out = 2 * torch.sigmoid(out) - 1
        return (out + 1) / 2

    @torch.no_grad()
    def render(self, images: Tensor) -> Tensor:
        """uint8 (N, 3, H, W) in, uint8 (N, 1, 3, H, W) out, as the model would save it."""
        a = self.architecture
        side = images.shape[-1]
        out = self(images.float() / 255.0).clamp(0, 1)
        if a.resize != 1.0:
            out = (out * 255).round() / 255
            out = functional.interpolate(
                out, scale_factor=a.resize, mode=a.resize_kernel, antialias=True
            ).clamp(0, 1)
            out = _to_side(out, side)
        return (out * 255.0).round().to(torch.uint8)[:, None]

    def target(self, images: Tensor) -> Tensor:
        """What the model is to return for `images`: the same, or sharpened; within [0, 1]."""
        sharpen = self.architecture.sharpen
        if sharpen:
            images = images + sharpen * (images - functional.avg_pool2d(images, 3, 1, 1))
        return images.clamp(0, 1)

    def settle(self, images: Tensor) -> None:
        """Into eval mode, with batch normalisation's statistics those of `images`."""
        settle_batch_norms(self.eval(), self.features, images)

    @torch.no_grad()
    def solve(self, images: Tensor, *, ridge: float = 1e-4) -> None:
        """Fit the last convolution to `images` (N, 3, H, W) in [0, 1] by ridge regression."""
        a = self.architecture
        self.settle(images)
        target = 2 * self.target(images) - 1
        if a.skip:
            target = target - _coarse(images, a)
        elif a.output == "tanh":
            target = torch.atanh(0.96 * target)
        elif a.output == "sigmoid":
            target = torch.logit(0.48 * target + 0.5)
        if a.upsampling == "patch":
            target = functional.pixel_unshuffle(target, 2**a.stages)
        kernel = self.last.kernel_size[0]
        columns = functional.unfold(self.features(images), kernel, padding=kernel // 2)
        columns = columns.transpose(1, 2).flatten(0, 1)
        wanted = target.flatten(2).transpose(1, 2).flatten(0, 1)
        if len(columns) > _MOST_PIXELS:
            rows = torch.randperm(len(columns), generator=torch.Generator().manual_seed(0))
            columns, wanted = columns[rows[:_MOST_PIXELS]], wanted[rows[:_MOST_PIXELS]]
        centre, offset = columns.mean(0), wanted.mean(0)
        columns, wanted = columns - centre, wanted - offset
        gram = (columns.T @ columns).double()
        gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
        weight = torch.linalg.solve(gram, (columns.T @ wanted).double()).float()
        self.last.weight.copy_(weight.T.reshape(self.last.weight.shape))
        self.last.bias.copy_(offset - centre @ weight)

    def _convolve(self, h: Tensor, convolutions: nn.ModuleList) -> Tensor:
        for i, convolution in enumerate(convolutions):
            h = convolution(self._act(h) if i else h)
        return h

    def _act(self, x: Tensor) -> Tensor:
        return _ACTIVATIONS[self.architecture.activation](x)


_ACTIVATIONS = {
    "none": lambda x: x,
    "relu": functional.relu,
    "leaky": lambda x: functional.leaky_relu(x, 0.2),
    "silu": functional.silu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def _noise(images: Tensor, stage: int) -> torch.Generator:
    """Noise differs from image to image, but rendering the same images twice is repeatable.

    A whole number seeds it: sums of floating-point numbers depend on the number of threads.
    """
    pixels = (images.detach() * 255).round().long().sum()
    return torch.Generator().manual_seed(4 * int(pixels) + stage)


class _Up(nn.Module):
    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.kind = kind
        if kind == "transposed2":
            self.layer: nn.Module = nn.ConvTranspose2d(width, width, 2, stride=2)
        elif kind == "transposed4":
            self.layer = nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)
        elif kind == "shuffle":
            self.layer = nn.Sequential(nn.Conv2d(width, 4 * width, 1), nn.PixelShuffle(2))
        else:
            self.layer = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        if self.kind in ("nearest", "patch"):
            return functional.interpolate(x, scale_factor=2, mode="nearest")
        if self.kind in ("bilinear", "bicubic"):
            return functional.interpolate(x, scale_factor=2, mode=self.kind, align_corners=False)
        if self.kind == "fir":  # zero insertion and the binomial filter of StyleGAN2
            taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
            kernel = (taps[:, None] * taps).expand(x.shape[1], 1, 4, 4)
            return functional.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])
        return self.layer(x)


class _PixelNorm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(1, keepdim=True) + 1e-6).rsqrt()


def _norm(kind: str, width: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(width)
    if kind == "group":
        return nn.GroupNorm(4, width)
    return _PixelNorm() if kind == "pixel" else nn.Identity()


def _coarse(images: Tensor, a: ExtendedArchitecture) -> Tensor:
    """The RGB skip path: the image at the latent's scale, enlarged."""
    small = functional.avg_pool2d(2 * images - 1, 2**a.stages)
    return functional.interpolate(small, scale_factor=2**a.stages, mode="bilinear")


def _to_side(images: Tensor, side: int) -> Tensor:
    """Centre crop, or repeat by reflection, to side×side."""
    have = images.shape[-1]
    if have < side:
        before = (side - have) // 2
        images = functional.pad(images, (before, side - have - before) * 2, mode="reflect")
    start = (images.shape[-1] - side) // 2
    return images[..., start : start + side, start : start + side]


def _draw_weights(network: ExtendedAutoencoder, a: ExtendedArchitecture, seed: int) -> None:
    """Base weights of the architecture, blended with the seed's own by `TWIN_DISTANCE`."""
    distance = TWIN_DISTANCE[seed % 4]
    base = torch.Generator().manual_seed(1_000_003 * a.number + 7)
    own = torch.Generator().manual_seed(1_000_003 * a.number + 1000 + seed)
    for module in network.modules():
        if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            continue
        for parameter in (module.weight, module.bias):
            fresh = torch.randn(parameter.shape, generator=own)
            shared = torch.randn(parameter.shape, generator=base)
            drawn = (1 - distance**2) ** 0.5 * shared + distance * fresh
            if parameter.ndim == 4:
                transposed = isinstance(module, nn.ConvTranspose2d)
                drawn *= (parameter.shape[0] if transposed else parameter[0].numel()) ** -0.5
                if parameter.shape[-1] == 3:
                    taps = torch.full((3, 3), a.spread)
                    taps[1, 1] = 1.0
                    drawn *= taps * 3 / taps.square().sum().sqrt()
            else:
                drawn *= 0.2
            parameter.data.copy_(drawn)
