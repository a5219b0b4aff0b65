"""`cli train` killed while it fits: the same command goes on, and its run is that of a training nobody killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from tests.faults.conftest import CHECKOUT

pytestmark = pytest.mark.once

TRAIN = """
import os, sys
from pharmagraph.model.training import unfinished
unfinished.KEPT_EVERY = 0.0
from pharmagraph import cli
sys.argv = ["cli", "--log-format", "json", "train", "--preset", "fast", "--epochs", "40", "--seed", "7"]
cli.main()
"""


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PHARMAGRAPH_STORE": "ladybug://pharmagraph.lbug",
        "PYTHONPATH": str(CHECKOUT),
    }


def _train(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def _weights(folder: Path) -> set[str]:
    return {sha256(file.read_bytes()).hexdigest() for file in folder.glob("runs/*/weights.safetensors")}


def test_the_same_command_goes_on_and_ends_the_same(screen: Path, tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    for folder in (undisturbed, killed):
        folder.mkdir()
        shutil.copy(screen, folder)
    _train(undisturbed)
    training = subprocess.Popen(
        [sys.executable, "-c", TRAIN], cwd=killed, env=_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 120
    while not list(killed.glob("runs/.unfinished/*/network-0.ckpt")):
        assert training.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.01)
    training.send_signal(signal.SIGKILL)
    training.wait()
    assert not _weights(killed)
    said = _train(killed)
    assert "going on with the training that was cut off" in said
    assert _weights(killed) == _weights(undisturbed)
    assert len(_weights(killed)) == 1
    assert not (killed / "runs" / ".unfinished").exists()
