"""How many cores this process may use; torch is not loaded, so that who asks for more is told at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.wording import option

_OF_GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""What Linux has of a driver of NVIDIA or AMD, or of Windows' below it; without any of them torch sees no GPU."""


def cores() -> int:
    """Cores that this process may use."""
    here = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(here, _cores_of_container())


def _cores_of_container(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The cores that a container may use on average, at least 1; many where it has no limit."""
    try:
        quota, period = limit.read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no container, or "max"
        return sys.maxsize


def require(count: int, there: int, kind: str = "cores") -> None:
    """Refuse more processes than there are cores, or GPUs, for them.

    Raises
    ------
    ModelError
        If there are fewer.
    """
    if count > there:
        raise ModelError(
            f"{count} processes need {count} {kind}, and there {'is' if there == 1 else 'are'} {there} here; "
            f"use {option('devices', str(there))}"
        )


def are_all(device: str) -> bool:
    """Whether a training on a device surely runs on cores: it says so, or the machine has no driver of a GPU."""
    no_gpu = sys.platform == "linux" and not any(Path(place).exists() for place in _OF_GPUS)
    return device == "cpu" or (device == "auto" and no_gpu)
