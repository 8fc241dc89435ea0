"""The 288 architectures of the synthetic models (paper III-B; {K, L, S, U, A, N})."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

BLOCKS = (1, 2)
CONVOLUTIONS = (1, 2)
ORDERS = ("post", "pre")
UPSAMPLINGS = ("bilinear", "nearest", "transposed")
ACTIVATIONS = ("none", "relu", "sigmoid", "tanh")
NORMALISATIONS = ("none", "batch", "instance")


@dataclass(frozen=True)
class Architecture:
    """One point of the paper's construction space.

    `blocks` K down- and upsampling blocks; `convolutions` L per block; `order` S of normalisation
    and activation, after ("post") or before ("pre") the convolution; `upsampling` U;
    `activation` A; `normalisation` N; `width` is the channel count of the last block (paper: 32).
    """

    blocks: int = 1
    convolutions: int = 1
    order: str = "post"
    upsampling: str = "bilinear"
    activation: str = "relu"
    normalisation: str = "none"
    width: int = 32

    def __post_init__(self) -> None:
        allowed = {
            "blocks": BLOCKS,
            "convolutions": CONVOLUTIONS,
            "order": ORDERS,
            "upsampling": UPSAMPLINGS,
            "activation": ACTIVATIONS,
            "normalisation": NORMALISATIONS,
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name}={getattr(self, name)!r} is not one of {values}")
        if self.width < 1:
            raise ValueError(f"width={self.width} must be at least 1")

    @property
    def id(self) -> str:
        """A name that reads back with `parse_architecture`: `k1-l2-pre-nearest-relu-batch-w32`."""
        return (
            f"k{self.blocks}-l{self.convolutions}-{self.order}-{self.upsampling}-"
            f"{self.activation}-{self.normalisation}-w{self.width}"
        )


def parse_architecture(text: str) -> Architecture:
    """The inverse of `Architecture.id`. Raises ValueError on anything else."""
    try:
        k, convolutions, order, upsampling, activation, normalisation, width = text.split("-")
        architecture = Architecture(
            int(k[1:]),
            int(convolutions[1:]),
            order,
            upsampling,
            activation,
            normalisation,
            int(width[1:]),
        )
    except ValueError as error:
        raise ValueError(f"{text!r} is no architecture id ({error}); {_EXAMPLE}") from error
    if architecture.id != text:
        raise ValueError(f"{text!r} is no architecture id, nearest is {architecture.id!r}")
    return architecture


_EXAMPLE = f"an example is {Architecture().id!r}"


def paper288(width: int = 32) -> tuple[Architecture, ...]:
    """All 2·2·2·3·4·3 = 288 architectures, in a fixed order."""
    axes = itertools.product(
        BLOCKS, CONVOLUTIONS, ORDERS, UPSAMPLINGS, ACTIVATIONS, NORMALISATIONS
    )
    return tuple(Architecture(*values, width=width) for values in axes)
