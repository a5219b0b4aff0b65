"""Commands in processes of their own that are killed at random moments, and run again.

The processes are forked from one that has imported the program: a moment falls into the work, not into imports.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recorded import record

PRELOADED = [
    "pharmagraph.cli", "pharmagraph.predictions", "pharmagraph.training", "pharmagraph.ingest.read_and_load",
    "pharmagraph.ingest.contracts", "pharmagraph.ingest.sources.synthetic", "pharmagraph.kg.check",
    "pharmagraph.kg.backup", "pharmagraph.kg.migrations", "pharmagraph.kg.ladybug.writes",
    "pharmagraph.kg.ladybug.migration", "pharmagraph.model.biology.annotate", "pharmagraph.model.runs.trained",
    "pharmagraph.model.reports.training_run", "pytorch_lightning", "rdkit.Chem", "pandas", "pandera",
    "pyarrow.parquet", "pyarrow.dataset", "pyarrow.pandas_compat", "hypothesis.extra.numpy", "joblib",
    "sklearn.metrics", "sklearn.model_selection", "fsspec.implementations.chained", "pharmagraph.kg.health",
    "pharmagraph.kg.statements", "pydantic.type_adapter",
]  # fmt: skip
"""What commands import when they are run, and libraries when they are used; what is missing is left out."""

SEED = int(os.environ.get("PHARMAGRAPH_TEST_KILL_SEED", "0"))
"""Of the moments of kills; `python -m benchmarks.reliability kills --seed` sets it."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, negative for a signal, seconds, and what it printed."""

    code: int
    seconds: float
    printed: str


def _work(words: tuple[str, ...], folder: str, environment: Mapping[str, str]) -> None:
    from pharmagraph import cli

    os.setpgrp()
    os.chdir(folder)
    os.environ.pop("PHARMAGRAPH_STORE", None)
    os.environ.update({"OMP_NUM_THREADS": "1"} | dict(environment))
    out = os.open("printed.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.argv = ["cli", *words]
    try:
        cli.main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))
    sys.stdout.flush()
    os._exit(0)


class Commands:
    """Runs commands in forked processes, with further variables of the environment."""

    def __init__(self, **environment: str) -> None:
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._environment = environment

    def run(self, folder: Path, *words: str, after: float | None = None) -> Ended:
        """Run a command in a folder, and kill it after so many seconds, unless it ended before."""
        arguments = (words, str(folder), self._environment)
        process = self._context.Process(target=_work, args=arguments)
        process.start()
        begun = time.perf_counter()
        process.join(after)
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        assert process.exitcode is not None
        printed = folder / "printed.txt"
        said = printed.read_text(errors="replace") if printed.exists() else ""
        printed.unlink(missing_ok=True)
        return Ended(process.exitcode, time.perf_counter() - begun, said)


def campaign(
    name: str,
    commands: Commands,
    words: tuple[str, ...],
    start: Callable[[str], Path],
    state: Callable[[Path], Any],
    *,
    kills: int,
    engine: str = "embedded",
    seed: int = SEED,
    again_may_say: str = "",
) -> None:
    """Kill a command at random moments, run it again, and compare with a run that nobody disturbed.

    Parameters
    ----------
    name
        Of what the command does, for the figures.
    commands
        Runs them.
    words
        Of the command, after ``cli``.
    start
        Makes a new folder of a name in which the command is run, as it is before.
    state
        What must be the same at the end.
    kills
        How often it is killed, each time in a new folder.
    engine
        Of the store, for the figures.
    seed
        Of the moments.
    again_may_say
        Words of the error of a second run where the first had done all: it is no failure then.
    """
    whole = start("undisturbed")
    first = commands.run(whole, *words)
    assert first.code == 0, first.printed
    expected = state(whole)
    assert expected != state(start("before")), "the command changes nothing that is compared"
    shares, seconds, killed, wrong = np.random.default_rng(seed), first.seconds, 0, 1
    begun = time.perf_counter()
    try:
        for attempt in range(4 * kills):
            if killed == kills:
                break
            share = shares.uniform(0.02, 1.0)
            folder = start(f"killed-{attempt}")
            ended = commands.run(folder, *words, after=share * seconds)
            if ended.code != -signal.SIGKILL:  # the command was quicker than the first
                seconds = min(seconds, ended.seconds)
                continue
            killed += 1
            told = commands.run(folder, "status")
            assert told.code == 0 or "holds no graph" in told.printed, (share, told.printed)
            again = commands.run(folder, *words)
            done_before = bool(again_may_say) and again_may_say in again.printed
            assert again.code == 0 or done_before, (share, ended, again.printed)
            assert state(folder) == expected, (share, ended)
            checked = commands.run(folder, "check")
            assert checked.code == 0, (share, checked.printed)
        wrong = 0
    finally:
        taken = round(time.perf_counter() - begun, 1)
        record("kills", command=name, engine=engine, seed=seed, kills=killed, wrong=wrong, seconds=taken)
    assert killed == kills, f"{killed} of {kills} kills came before the end"
