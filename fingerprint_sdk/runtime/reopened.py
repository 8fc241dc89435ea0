"""A model that a forked child opens anew, since its parent's threads are gone there."""

from __future__ import annotations

import threading
from typing import Literal

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.errors import DeviceError
from fingerprint_sdk.process.forks import renewed_after_fork
from fingerprint_sdk.runtime.session import Device, Session, open_session


class ReopenedModel:
    """A model open in this process, and again in each child that it forks. Arguments and errors
    are those of ``open_session``.

    It keeps the content of its file, so that a child has the same model whatever became of the
    file since.

    Attributes:
        model, name, asked, threads: what it was opened from.
        device: "cpu" or "cuda", the one really in use.
    """

    def __init__(
        self, model: bytes, name: str, *, device: Device = "auto", threads: int | None = None
    ) -> None:
        self.model, self.name, self.asked, self.threads = model, name, device, threads
        self._session: Session | None = open_session(model, name, device=device, threads=threads)
        self.device: Literal["cpu", "cuda"] = self._session.device
        self._parents: list[Session] = []
        self._lock = threading.Lock()
        renewed_after_fork(self)

    @property
    def session(self) -> Session:
        """That of this process.

        Raises:
            DeviceError: it was forked from one that had the model on a GPU.
        """
        with self._lock:
            if self._session is None:
                if self.device == "cuda":
                    raise DeviceError(
                        "a forked process cannot use the GPU of its parent: start it with the "
                        "method 'spawn', or load the model in it"
                    )
                self._session = open_session(
                    self.model, self.name, device="cpu", threads=self.threads
                )
            return self._session

    def run(self, windows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See ``Session.run``."""
        return self.session.run(windows)

    def after_fork(self) -> None:
        """In a child: the parent's session is put aside, for it cannot even be closed there."""
        if self._session is not None:
            self._parents.append(self._session)
        self._session, self._lock = None, threading.Lock()
