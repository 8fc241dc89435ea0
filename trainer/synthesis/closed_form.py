"""Solve a synthetic model's last convolution in closed form instead of descending to it.

The paper finds that the last block dominates the fingerprint (III-A, Fig. 7). With everything
before it drawn at random, the last convolution is a linear regression from its input features
onto the photograph: one ridge solve of a few hundred unknowns, in place of hundreds of steps.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.synthesis.autoencoder import GroupedAutoencoder


@torch.no_grad()
def solve_last_convolution(
    network: GroupedAutoencoder, images: Tensor, *, ridge: float = 1e-4
) -> None:
    """Set the last convolution of every seed to the ridge regression onto its own `images`.

    `images`: float32 (N, S, 3, H, W) in [0, 1]. `ridge` is relative to the mean feature power.
    Batch statistics are settled first, since the features depend on them.
    """
    settle_batch_norms(network, network, images)
    features = _features_of_last_convolution(network, images)
    target = _before_activation(network, images)
    groups, outputs = len(network.seeds), 3
    convolution = network.decoder[-1].convolutions[-1]
    for i in range(groups):
        columns = functional.unfold(features.chunk(groups, dim=1)[i], 3, padding=1)
        columns = columns.transpose(1, 2).flatten(0, 1).double()
        wanted = target[:, i].flatten(2).transpose(1, 2).flatten(0, 1).double()
        centre, offset = columns.mean(0), wanted.mean(0)
        columns, wanted = columns - centre, wanted - offset
        gram = columns.T @ columns
        gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
        weight = torch.linalg.solve(gram, columns.T @ wanted)  # (features·9, 3)
        rows = slice(i * outputs, (i + 1) * outputs)
        shape = convolution.weight[rows].shape
        convolution.weight[rows] = weight.T.reshape(shape).float()
        convolution.bias[rows] = (offset - centre @ weight).float()
    norm = network.decoder[-1].norms[-1]
    if network.architecture.order == "post" and isinstance(norm, nn.BatchNorm2d):
        _make_transparent(norm, convolution(features))
    settle_batch_norms(network, network, images)


@torch.no_grad()
def settle_batch_norms(
    network: nn.Module, run: Callable[[Tensor], Tensor], images: Tensor
) -> None:
    """Set running statistics to those of `run(images)`, which passes through all of `network`'s.

    A running average would start from 0 and 1.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average
    training = network.training
    network.train()
    run(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.train(training)


def _features_of_last_convolution(network: GroupedAutoencoder, images: Tensor) -> Tensor:
    caught: list[Tensor] = []
    hook = (
        network.decoder[-1]
        .convolutions[-1]
        .register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    )
    training = network.training
    network.eval()
    network(images)
    network.train(training)
    hook.remove()
    return caught[0]


def _before_activation(network: GroupedAutoencoder, images: Tensor) -> Tensor:
    """What the last convolution must yield for the model to return `images`."""
    target = images if network.unit_range else 2 * images - 1
    if network.architecture.order == "post":
        if network.architecture.activation == "sigmoid":
            return torch.logit(target, 0.02)
        if network.architecture.activation == "tanh":
            return torch.atanh(target.clamp(-0.96, 0.96))
    elif network.architecture.normalisation == "instance":
        # These statistics are given back behind the last convolution.
        deviation, mean = torch.std_mean(target, dim=(3, 4), keepdim=True)
        return (target - mean) / (deviation + 1e-5)
    return target


def _make_transparent(norm: nn.BatchNorm2d, inputs: Tensor) -> None:
    """Choose the affine part that undoes the normalisation of `inputs`."""
    deviation, mean = torch.std_mean(inputs, dim=(0, 2, 3), correction=0)
    norm.weight.copy_((deviation.square() + norm.eps).sqrt())
    norm.bias.copy_(mean)
