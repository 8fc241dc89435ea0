"""Named families of synthetic models, and how a model of either family is read back."""

from __future__ import annotations

from torch import Tensor

from trainer.synthesis.architectures import Architecture, paper288, parse_architecture
from trainer.synthesis.autoencoder import GroupedAutoencoder, join_states
from trainer.synthesis.extended import ExtendedArchitecture, draw_extended
from trainer.synthesis.extended_autoencoder import ExtendedAutoencoder

AnyArchitecture = Architecture | ExtendedArchitecture


def named_architectures(names: str, width: int = 32) -> tuple[AnyArchitecture, ...]:
    """`paper288`, `extended:N` (the first N of the wider family), or ids separated by commas.

    Raises ValueError on anything else.
    """
    if names == "paper288":
        return paper288(width)
    if names.startswith("extended:"):
        count = names.removeprefix("extended:")
        if not count.isdecimal() or int(count) < 1:
            raise ValueError(f"{names!r} must name a count, e.g. extended:1000")
        return tuple(draw_extended(number) for number in range(int(count)))
    return tuple(architecture_from_id(name.strip()) for name in names.split(","))


def architecture_from_id(text: str) -> AnyArchitecture:
    """The inverse of an architecture's `id`. Raises ValueError on anything else."""
    if text.startswith("extended-") and text.removeprefix("extended-").isdecimal():
        return draw_extended(int(text.removeprefix("extended-")))
    return parse_architecture(text)


def model_from_state(
    architecture: AnyArchitecture, seed: int, state: dict[str, Tensor]
) -> GroupedAutoencoder | ExtendedAutoencoder:
    """A synthetic model ready to `render`."""
    if isinstance(architecture, Architecture):
        return join_states(architecture, {seed: state})
    network = ExtendedAutoencoder(architecture, seed)
    network.load_state_dict(state)
    return network.eval()
