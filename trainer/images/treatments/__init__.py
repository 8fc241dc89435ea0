"""What people do to pictures, by kind and at random strength: the cohort's, and calibration's.

Each kind maps a uint8 H×W×3 RGB array and a random generator to another such array, of any size.
`CODECS` to `PAGES` hold them by name; `TREATMENTS` all of them with what the SDK calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from trainer.images.treatments.cameras import CAMERAS
from trainer.images.treatments.codecs import COARSE, FINE
from trainer.images.treatments.colours import COLOURS, GREYS
from trainer.images.treatments.filters import FILTERS
from trainer.images.treatments.noises import NOISES
from trainer.images.treatments.pages import PAGES
from trainer.images.treatments.patterns import PATTERNS
from trainer.images.treatments.scales import SCALES

Kind = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _as_is(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return image


_OTHERS = {**COLOURS, **FILTERS, **NOISES, **PAGES, **CAMERAS, **PATTERNS}
_ONCE = {**FINE, **COARSE, **SCALES, **GREYS, **_OTHERS}


def _in_turn(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One kind, then another; of some pairs one is another size."""
    first, second = (str(name) for name in rng.choice(sorted(_ONCE), 2))
    if rng.random() < 0.4:
        first = str(rng.choice(sorted(SCALES)))
    if rng.random() < 0.5:
        first, second = second, first
    return _ONCE[second](np.ascontiguousarray(_ONCE[first](image, rng)), rng)


TREATMENTS: Mapping[str, Mapping[str, Kind]] = {
    "as is": {"as is": _as_is},
    "lossy": FINE,
    "coarse": COARSE,
    "resized": SCALES,
    "grey": GREYS,
    "other": {**_OTHERS, "in turn": _in_turn},
}
"""By what `fingerprint_sdk.images.treatment.TREATMENTS` calls it, then by kind."""
