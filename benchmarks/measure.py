"""Measures time and peak memory of a function in this process."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

CLEAR_PEAK = Path("/proc/self/clear_refs")  # writing 5 resets the kernel's high-water mark (Linux)


@dataclass(frozen=True)
class Measurement:
    """Median seconds of one repetition, and peak memory above that before the first."""

    seconds: float
    peak_mb: float
    repetitions: int


def measure(work: Callable[[], object], *, seconds: float = 2.0, most: int = 50) -> Measurement:
    """Run `work` once to warm up, then until `seconds` have passed, at most `most` times.

    Parameters
    ----------
    work
        Called without arguments.
    seconds
        Time for repetitions; there is at least one.
    most
        Maximum number of repetitions.
    """
    with _Peak() as peak:
        work()
        times = [_time(work)]
        while sum(times) < seconds and len(times) < most:
            times.append(_time(work))
    return Measurement(statistics.median(times), peak.megabytes, len(times))


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class _Peak:
    """Peak resident memory: Linux's high-water mark, or samples if it cannot be reset."""

    def __enter__(self) -> _Peak:
        self.megabytes = 0.0
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._highest = self._before
        try:
            CLEAR_PEAK.write_text("5")
            self._marked = True
        except OSError:
            self._marked = False
            self._stop = threading.Event()
            self._sampler = threading.Thread(target=self._sample, daemon=True)
            self._sampler.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._marked:
            status = Path("/proc/self/status").read_text()
            self._highest = int(status.split("VmHWM:")[1].split()[0]) * 1024
        else:
            self._stop.set()
            self._sampler.join()
        self.megabytes = (self._highest - self._before) / 1e6

    def _sample(self) -> None:
        while not self._stop.wait(0.002):
            self._highest = max(self._highest, self._process.memory_info().rss)
