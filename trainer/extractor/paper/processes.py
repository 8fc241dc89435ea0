"""One training by steps on several processes, as `torchrun` starts them.

Each process takes its share of every batch through the network. The embeddings of all are
gathered, with their gradients, before the losses are taken: hard positives and negatives are those
of the whole batch. Batch norms take their statistics over the whole batch, too. So the number of
processes changes rounding only, and a checkpoint of one number goes on with another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn


@dataclass(frozen=True)
class Processes:
    """The processes of one training, `count` in all, of which this one is `rank`, from 0."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes the files and shows the progress."""
        return self.rank == 0

    def share(self, length: int) -> slice:
        """The rows of a batch of this `length` that are this process's."""
        return slice(self.rank * length // self.count, (self.rank + 1) * length // self.count)

    def prepared(self, module: nn.Module) -> nn.Module:
        """`module` as it is called in training: gradients become the mean over all processes."""
        if self.count == 1 or not any(weights.requires_grad for weights in module.parameters()):
            return module
        return nn.parallel.DistributedDataParallel(module)

    def gathered(self, rows: Tensor, length: int) -> Tensor:
        """The (`length`, D) rows of all processes, from each one's `share`, with gradients."""
        if self.count == 1:
            return rows
        share = self.share(length)
        return _Sum.apply(nn.functional.pad(rows, (0, 0, share.start, length - share.stop)))

    def wait(self) -> None:
        """Until all have come here: what the first has written is there for the others."""
        if self.count > 1:
            torch.distributed.barrier()


ALONE = Processes()


def launched() -> Processes:
    """As `torchrun` says in the environment; `ALONE` without it."""
    return Processes(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, str]]:
    """Meet the other processes that `torchrun` started; yields them, and this one's device.

    Of several GPUs in a machine each process gets its own. GPUs talk by NCCL, CPUs by Gloo.
    """
    processes = launched()
    if processes.count == 1:
        yield processes, device
        return
    cuda = torch.device(device).type == "cuda"
    if cuda:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield processes, device
    finally:
        torch.distributed.destroy_process_group()


def synchronise(network: nn.Module) -> nn.Module:
    """Let the batch norms of `network` take their statistics over all processes; returns it."""
    for name, module in network.named_children():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            synced = _SyncedBatchNorm(module.num_features, module.eps, module.momentum)
            synced.load_state_dict(module.state_dict())
            setattr(network, name, synced)
        else:
            synchronise(module)
    return network


class _SyncedBatchNorm(nn.BatchNorm2d):
    """Batch norm over the batches of all processes; PyTorch's own is for GPUs only."""

    def _check_input_dim(self, x: Tensor) -> None:
        """Of any number of dimensions, the second one being the channels."""

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and torch.distributed.is_initialized()):
            return super().forward(x)
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.dim())]
        own = x.new_tensor([x.numel() / x.shape[1]])
        total = _Sum.apply(torch.cat([x.sum(axes), own]))
        count = total[-1]
        mean = total[:-1] / count
        centred = x - mean.view(shape)
        variance = _Sum.apply(centred.square().sum(axes)) / count
        self._track(mean.detach(), (variance * count / (count - 1)).detach())
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale.view(shape) + self.bias.view(shape)

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked += 1


class _Sum(torch.autograd.Function):
    """The sum over all processes, of values and of gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        values = values.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(values)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Sum.apply(gradient)
