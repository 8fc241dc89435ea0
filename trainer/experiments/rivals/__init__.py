"""The methods the paper compares with (IV-D; Tables VIII and IX), and three that users try first.

Each is one file and one class with the same two methods, and its settings as fields:

- `fit(images, progress)`: `images` maps a seen generator to its uint8 (H, W, 3) RGB arrays;
- `embed(images)`: a list of such arrays -> float32 (N, D), L2-normalised; D is the method's own.

As in the paper, a trained rival is used without its classification head: its last features are the
fingerprint. All of them see the windows of `fingerprint_sdk.images.windows` unless their own
paper says otherwise.
"""

from trainer.experiments.rivals.budget import FULL, MINUTES, Budget
from trainer.experiments.rivals.choice import RIVALS, Rival, make_rival
from trainer.experiments.rivals.dna_det import DnaDet
from trainer.experiments.rivals.imagenet import ImageNet
from trainer.experiments.rivals.marra import Marra
from trainer.experiments.rivals.pose import Pose
from trainer.experiments.rivals.repmix import RepMix
from trainer.experiments.rivals.self_description import SelfDescription
from trainer.experiments.rivals.spectrum import Spectrum
from trainer.experiments.rivals.yu import Yu

__all__ = [
    "FULL",
    "MINUTES",
    "RIVALS",
    "Budget",
    "DnaDet",
    "ImageNet",
    "Marra",
    "Pose",
    "RepMix",
    "Rival",
    "SelfDescription",
    "Spectrum",
    "Yu",
    "make_rival",
]
