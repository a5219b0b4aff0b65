"""Measures time and peak memory of a function in this process, or of a command in one of its own."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from pharmagraph.kg.console import note

STATUS = Path("/proc/self/status")
CLEAR_PEAK = Path("/proc/self/clear_refs")  # writing 5 resets the kernel's high-water mark (Linux)


@dataclass(frozen=True)
class Measurement:
    """Median seconds of one repetition, and peak memory above that before the first."""

    seconds: float
    peak_mb: float
    repetitions: int


@dataclass(frozen=True)
class Command:
    """Seconds by the clock, seconds of all cores together, and the peak of memory of a command."""

    seconds: float
    processor: float
    peak_mb: float


def command(words: Sequence[str], until: Callable[[str], bool] | None = None) -> Command:
    """What a `cli` command takes, or it takes until it prints a line.

    Memory is sampled, since a child's high-water mark starts at its parent's.
    """
    note(f"cli {' '.join(words)}")
    start, peak, processor = time.perf_counter(), 0, 0.0
    process = psutil.Popen(
        [sys.executable, "-m", "pharmagraph.cli", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if until is not None else None,
        text=True,
    )
    if until is not None:
        for line in process.stderr:
            if until(line):
                seconds = time.perf_counter() - start
                peak, used = process.memory_info().rss, process.cpu_times()
                process.terminate()
                process.wait()
                return Command(seconds, used.user + used.system, peak / 1e6)
        raise SystemExit(f"cli {' '.join(words)} printed no such line")
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            with process.oneshot():
                peak, used = max(peak, process.memory_info().rss), process.cpu_times()
            processor = max(processor, used.user + used.system)
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"cli {' '.join(words)} failed")
    return Command(time.perf_counter() - start, processor, peak / 1e6)


def peak_mb() -> float:
    """Peak resident memory of this process so far, in 10^6 bytes, as the kernel counts it."""
    if STATUS.exists():  # a child's `ru_maxrss` begins at its parent's
        return int(STATUS.read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS: bytes


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
            self.megabytes = peak_mb() - self._before / 1e6
        else:
            self._stop.set()
            self._sampler.join()
            self.megabytes = (self._highest - self._before) / 1e6

    def _sample(self) -> None:
        while not self._stop.wait(0.002):
            self._highest = max(self._highest, self._process.memory_info().rss)
