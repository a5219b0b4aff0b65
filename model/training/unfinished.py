"""Keeps the fits of a training that is cut off, so that the same training goes on where it ended.

A fit is kept in the folder of runs, under a digest of all that it depends on: the data, the preset, the seed, the
program. So a training of anything else never finds it. It is removed when the run is written.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from pharmagraph.kg import folders
from pharmagraph.kg.errors import InputError

FOLDER = ".unfinished"
"""In the folder of runs; what begins with a point is no run."""

KEPT_EVERY = 10.0
"""Seconds after which a fit is kept again. Set by hand."""

FORGOTTEN_AFTER = 7 * 24 * 3600.0
"""Seconds after which an unfinished training is removed by the next one. Set by hand."""

LOCK = "lock"


class Unfinished:
    """The fits of one training.

    Nothing is written before a fit has lasted for `KEPT_EVERY`, but the lock (`own`).

    Parameters
    ----------
    runs
        The folder in which the run's folder will be made.
    what
        All that the fits depend on; it becomes JSON.
    """

    def __init__(self, runs: Path, what: Mapping[str, object]) -> None:
        key = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:16]
        self.folder = runs / FOLDER / key
        self._lock: IO[bytes] | None = None
        _forget_old(runs / FOLDER)
        if self.folder.is_dir():
            self.own()

    def own(self) -> bool:
        """Whether this process may read and write here; not where another one trains the same, or no folder can be."""
        if self._lock is None:
            try:
                folders.make(self.folder)
                self._lock = (self.folder / LOCK).open("wb")
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (OSError, InputError):
                if self._lock is not None:
                    self._lock.close()
                self._lock = None
        return self._lock is not None

    @property
    def begun(self) -> bool:
        """Whether there are fits to go on with."""
        return self._lock is not None and any(self.folder.glob("network-*.ckpt"))

    def of_network(self, number: int) -> KeptFit:
        """Where the fit of a network, counted from 0, is kept."""
        return KeptFit(self, self.folder / f"network-{number}.ckpt")

    def done(self) -> None:
        """Remove all of it: the run is written."""
        if self._lock is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.close()
            self._lock = None
            with suppress(OSError):  # others are there
                self.folder.parent.rmdir()


class KeptFit:
    """Where the fit of one network is kept.

    Attributes
    ----------
    path
        The file.
    """

    def __init__(self, training: Unfinished, path: Path) -> None:
        self._training, self.path = training, path
        self._kept_at = time.monotonic()

    def begun(self) -> Path | None:
        """The file of a fit that was cut off; None where there is none that can be read."""
        import torch

        if self._training._lock is None or not self.path.is_file():
            return None
        try:
            torch.load(
                self.path, weights_only=True
            )  # tensors and plain values only: nothing else is unpickled
        except Exception:  # torch raises errors of many kinds for a damaged file
            self.path.unlink(missing_ok=True)
            return None
        return self.path

    def due(self) -> bool:
        """Whether it is time to keep the fit."""
        if time.monotonic() - self._kept_at < KEPT_EVERY:
            return False
        self._kept_at = time.monotonic()
        return self._training.own()


def _forget_old(folder: Path) -> None:
    for old in folder.glob(f"*/{LOCK}"):
        with suppress(OSError), old.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - max(file.stat().st_mtime for file in old.parent.iterdir()) > FORGOTTEN_AFTER:
                shutil.rmtree(old.parent, ignore_errors=True)
