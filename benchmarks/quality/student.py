"""How close the published student's residual spectra are to its teacher's.

python benchmarks/quality/student.py PHOTOS
"""

from __future__ import annotations

import sys
from pathlib import Path

from trainer.denoiser import denoiser_agreement, load_weights, macs
from trainer.images.photos import load_photos

teacher, student = load_weights("dncnn"), load_weights("student")
_, photos = load_photos(Path(sys.argv[1])).split(0.1)
found = denoiser_agreement(teacher, student, photos)
print(f"teacher {macs(teacher) / 1e6:.1f} M, student {macs(student) / 1e6:.1f} M MACs at 128 px: ")
print(f"{macs(teacher) / macs(student):.1f} times fewer; on {len(photos)} held-out photographs")
print(f"correlation of log power {found.correlation:.3f}, ", end="")
print(f"mean absolute difference of log azimuthal power {found.mean_log_difference:.3f}")
