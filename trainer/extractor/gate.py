"""Does a window look as a generator left it, or has something been done to it since?

What a head learns from unprocessed images misleads it about recompressed ones, and a head that
learns from both is blunter on the former. So each kind of head counts where it is right.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Gate(nn.Module):
    """Chance that a window is unprocessed, by logistic regression: (N, C) -> (N, 1).

    A half, whatever it sees, until `fit`.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(inputs))
        self.register_buffer("bias", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x @ self.weight[:, None] + self.bias)

    def fit(self, x: Tensor, unprocessed: Tensor) -> None:
        """Fit to standardised numbers `x` (N, C), of which `unprocessed` (N,) bool are so.

        One kind alone leaves the gate as it is.
        """
        from sklearn.linear_model import LogisticRegression

        if unprocessed.all() or not unprocessed.any():
            return
        fitted = LogisticRegression(C=1e-2, max_iter=200).fit(x.numpy(), unprocessed.numpy())
        self.weight.copy_(torch.from_numpy(fitted.coef_[0]))
        self.bias.copy_(torch.from_numpy(fitted.intercept_))
