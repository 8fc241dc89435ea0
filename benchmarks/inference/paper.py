"""The paper's pipeline (III-C, "Sliding Window") with random weights; trained ones cost the same.

DnCNN 17×64 without padding, |DFT| of its residual, ResNet-50, nine windows, in PyTorch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.inference.arithmetic import Work
from fingerprint_sdk.images import windows
from trainer.denoiser import DnCNN
from trainer.extractor import ResNet50
from trainer.signal import PaperSpectrum

PER_AXIS = 3  # windows: Table VII


class PaperPipeline:
    """uint8 (H, W, 3) -> unit embedding, float32 (2048,); its three parts run one by one too."""

    def __init__(self, device: str = "cpu") -> None:
        torch.manual_seed(0)
        self.device = device
        self.denoiser = DnCNN().eval().to(device)
        # Taken out of the spectrum, so that the denoiser can be timed by itself.
        self.spectrum = PaperSpectrum(self.denoiser).eval().to(device)
        self.spectrum.denoiser = nn.Identity()
        self.network = ResNet50().eval().to(device)

    @torch.inference_mode()
    def embed(
        self, pixels: npt.NDArray[np.uint8], per_axis: int = PER_AXIS
    ) -> npt.NDArray[np.float32]:
        crops = torch.from_numpy(windows(pixels, per_axis)).to(self.device)
        vectors = nn.functional.normalize(self.network(self.transform(self.denoise(crops))), dim=1)
        mean = nn.functional.normalize(vectors.mean(0), dim=0)
        return mean.cpu().numpy()

    def denoise(self, crops: Tensor) -> Tensor:
        return self.denoiser(crops.float() / 255.0)

    def transform(self, residual: Tensor) -> Tensor:
        # PaperSpectrum divides its input by 255; the residual has been through that already.
        return self.spectrum(residual * 255.0)

    @torch.inference_mode()
    def work(self, count: int = PER_AXIS**2) -> dict[str, Work]:
        """What each part calculates for `count` windows, so many times what one takes."""
        x = torch.zeros(1, 3, 128, 128, dtype=torch.uint8, device=self.device)
        totals = {}
        steps = (("denoiser", self.denoise), ("DFT", self.transform), ("network", self.network))
        for name, step in steps:
            with FlopCounterMode(display=False) as counter:
                x = step(x)
            each = counter.get_flop_counts()["Global"]
            macs = counter.get_total_flops() // 2
            convolution = each.get(torch.ops.aten.convolution, 0) // 2
            totals[name] = Work(convolution, macs - convolution) * count
        return totals
