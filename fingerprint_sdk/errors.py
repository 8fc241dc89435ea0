"""Every error this package raises on purpose.

::

    FingerprintError
    ├── ImageError            the picture cannot be read, or is not a picture we can use
    ├── ModelError            the model file or its description is missing, broken or unfit
    │   ├── ModelNotFoundError    no such model, here or on the Hub
    │   └── IntegrityError        a file's sha256 or size is not the one promised
    ├── DeviceError           the asked-for device cannot be used (CUDA missing, no runtime)
    ├── GalleryError          a gallery file or operation is invalid
    │   └── StoreError            a database of galleries cannot be reached or used
    ├── OperatingPointError   no calibrated threshold for what was asked
    └── ArgumentError         an argument no call can work with; a ValueError as well

Each message names the offending input and says what to do about it. It is one line that any
terminal can show, whatever the input's name holds.
"""

from __future__ import annotations

from fingerprint_sdk.text import visible


class FingerprintError(Exception):
    """Base of every error raised by this package on purpose."""

    def __str__(self) -> str:
        """The message, see ``text.visible``."""
        return visible(super().__str__())


class ImageError(FingerprintError):
    """An input cannot be read as an image, or is an image we cannot use."""


class ModelError(FingerprintError):
    """A model file or its description is missing, broken or unfit for this package."""


class ModelNotFoundError(ModelError):
    """No model of that name is bundled, cached or reachable."""


class IntegrityError(ModelError):
    """A file's content is not the one its description promises (size or sha256)."""


class DeviceError(FingerprintError):
    """The requested device cannot really be used."""


class GalleryError(FingerprintError):
    """A gallery file is invalid, or an operation on it is."""


class StoreError(GalleryError):
    """A database that keeps galleries cannot be reached, or refuses."""


class OperatingPointError(FingerprintError):
    """The model carries no calibrated threshold for the requested error rate."""


class ArgumentError(FingerprintError, ValueError):
    """An argument is of a kind or a range that no call can work with."""
