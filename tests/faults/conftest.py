"""A small store, and one with a promoted run, each made once; a test gets a copy of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pharmagraph as pg
from tests.cli.typed import typed
from tests.faults.killed import Commands

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with 12 drugs, 16 cell lines and 40 genes."""
    file = tmp_path_factory.mktemp("screen") / "pharmagraph.lbug"
    with pg.open_store(f"ladybug://{file}") as store:
        pg.ingest.synthetic(store, drugs=12, cells=16, genes=40)
    return file


@pytest.fixture
def small(screen: Path, tmp_path: Path) -> Path:
    """A copy of it in the working folder, where commands look for a store."""
    return Path(shutil.copy(screen, tmp_path / "pharmagraph.lbug"))


@pytest.fixture(scope="session")
def trained_once(screen: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the store, a promoted run of the fast preset, and the run's folder."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copy(screen, folder)
    done = typed("train", "--preset", "fast", "--epochs", "1", "--promote", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    hidden = folder.rename(folder.with_name("away"))  # a copy is found beside its store, and not there
    return hidden


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """A copy of it as the working folder."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="session")
def commands() -> Commands:
    """Forks processes that have imported the program."""
    return Commands()


@pytest.fixture(scope="session")
def two(trained_once: Path, commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a promoted run, another data set, a copy of the graph and a backup."""
    folder = tmp_path_factory.mktemp("two") / "folder"
    shutil.copytree(trained_once, folder)
    for line in (
        "ingest synthetic --name other --drugs 8 --cells 10 --genes 20 --quiet",
        "backup kept --quiet",
    ):
        done = commands.run(folder, *line.split())
        assert done.code == 0, done.printed
    return folder


def command(*words: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """`cli` with these words in a process of its own, after a line of bash such as ``ulimit -f 4``."""
    line = f'{shell}\nexec "$0" -m pharmagraph.cli "$@"'
    return subprocess.run(
        ["bash", "-c", line, sys.executable, *words],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)} | environment,
        stdin=subprocess.DEVNULL,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The error that a command ended with, which has to be one line and exit code 1."""
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]
