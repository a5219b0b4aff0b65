"""`cli train` by several processes, started by itself and by torchrun: one writes, and the loss of one is one line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from pharmagraph.cli import app
from pharmagraph.kg import runs
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.store import open_store
from pharmagraph.model import launching, ranks
from pharmagraph.model.cores import cores

FAST = ["train", "--preset", "fast", "--device", "cpu"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(cores() < 2, reason="two ranks need two cores"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    from pharmagraph.ingest.commands import synthetic

    found = f"ladybug://{tmp_path_factory.mktemp('store')}/graph.lbug"
    synthetic(drugs=24, cells=20, genes=60, store=found, quiet=True)
    return found


def begun(words: list[str], folder: Path, **environment: str) -> subprocess.Popen[str]:
    checkout = str(Path(__file__).parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": checkout,
        "TMPDIR": str(folder),
        "OMP_NUM_THREADS": "1",
        **environment,
    }
    return subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def registered(url: str) -> list[str]:
    with open_store(url, read_only=True) as store:
        return [row["id"] for row in runs.runs(store)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_killed_rank_ends_the_training_with_one_line_and_leaves_what_goes_on(
    url: str, tmp_path: Path, number: int
) -> None:
    words = [
        sys.executable,
        "-m",
        "pharmagraph.cli",
        *FAST,
        "--epochs",
        "100000",
        "--devices",
        "2",
        "--quiet",
    ]
    process = begun([*words, "--store", url, "--runs", str(tmp_path / "runs")], tmp_path)
    try:
        until = time.monotonic() + 300
        while not list(tmp_path.glob("runs/.unfinished/*/network-0.ckpt")):  # it is fitting
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        (other,) = (
            one
            for one in psutil.Process(process.pid).children()
            if any("spawn_main" in word for word in one.cmdline())
        )
        killed = [psutil.Process(process.pid), other][number]
        killed.send_signal(signal.SIGKILL)
        out, told = process.communicate(timeout=60)
        psutil.wait_procs([other], timeout=60)
        assert not other.is_running()
    finally:
        process.kill()
    how = ("was killed", "ended before its work was done, killed by signal 9")[number]
    assert told == (
        f"error: rank {number} of 2 {how}, as happens where memory is short; "
        "the same command again goes on from where the fit was last kept\n"
    )
    assert process.returncode == (-signal.SIGKILL, 1)[number]
    assert not out and not registered(url)
    assert [one.name for one in (tmp_path / "runs").iterdir()] == [".unfinished"]


def test_torchrun_makes_one_run_and_one_output(url: str, tmp_path: Path) -> None:
    copy = f"ladybug://{tmp_path}/graph.lbug"
    Path(copy.removeprefix("ladybug://")).write_bytes(Path(url.removeprefix("ladybug://")).read_bytes())
    words = [
        *TORCHRUN,
        "-m",
        "pharmagraph.cli",
        "--log-format",
        "json",
        *FAST,
        "--epochs",
        "1",
        "--store",
        copy,
    ]
    process = begun([*words, "--format", "csv"], tmp_path)
    out, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert out.startswith("run,metric,") and out.count("run,metric,") == 1
    assert told.count('"step": "writing the run"') == told.count('"step": "training"') == 1
    (run,) = registered(copy)
    assert [one.name for one in (tmp_path / "runs").iterdir()] == [run]


ANOTHER_GRAPH = """
import os, sys
if os.environ["RANK"] == "1":
    os.environ["PHARMAGRAPH_STORE"] = os.environ["OF_RANK_1"]
from pharmagraph.cli import main
main()
"""


@pytest.mark.parametrize("missing", [False, True])
def test_a_rank_with_another_graph_is_refused_by_name(url: str, tmp_path: Path, missing: bool) -> None:
    from pharmagraph.ingest.commands import synthetic

    other = f"ladybug://{tmp_path}/other.lbug"
    if not missing:
        synthetic(drugs=24, cells=20, genes=60, seed=1, store=other, quiet=True)
    (tmp_path / "script.py").write_text(ANOTHER_GRAPH)
    words = [*TORCHRUN, "script.py", *FAST, "--quiet"]
    process = begun(words, tmp_path, PHARMAGRAPH_STORE=url, OF_RANK_1=other)
    out, told = process.communicate(timeout=300)
    assert process.returncode == 1 and not out
    (line,) = [one for one in told.splitlines() if one.startswith("error: ")]
    if missing:
        assert line.startswith("error: rank 1: ") and "other.lbug" in line
    else:
        assert line.startswith("error: rank 1 has another graph (")
        assert line.endswith("; give all ranks the same graph, options and version of pharmagraph")
    assert not registered(url) and not (tmp_path / "runs").exists()


def test_more_processes_than_cores_and_two_ways_at_once_are_refused(url: str, tmp_path: Path) -> None:
    words = [*FAST, "--quiet", "--store", url, "--runs", str(tmp_path / "runs")]
    many = CliRunner().invoke(app, [*words, "--devices", "999"])
    assert isinstance(many.exception, ModelError)
    assert str(many.exception).startswith("999 processes need 999 cores, and there are ")
    assert str(many.exception).endswith(f"here; use --devices {cores()}")
    both = CliRunner().invoke(app, [*words, "--devices", "2", "--workers", "2"])
    assert isinstance(both.exception, ModelError) and "--workers fits networks side by side" in str(
        both.exception
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"RANK": "abc"}, 'RANK is "abc" in the environment, which is no number'),
        ({"RANK": "-1"}, 'RANK is "-1"'),
        ({"RANK": "2"}, "RANK is 2 in the environment, and WORLD_SIZE is 2"),
        ({"LOCAL_RANK": None}, "RANK is set in the environment and LOCAL_RANK is not"),
        ({"MASTER_PORT": "99999"}, "MASTER_PORT is 99999"),
    ],
)
def test_variables_of_torchrun_that_are_half_set_are_refused(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str | None], said: str
) -> None:
    """A traceback, or a process that trained alone and wrote a run of its own beside the others."""
    values = ("1", "2", "1", "2", "localhost", "29500")
    for name, value in {**dict(zip(ranks.TORCHRUN, values, strict=True)), **changed}.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(ModelError, match=f"^{said}.*; start by torchrun"):
        ranks.of_torchrun()
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("MASTER_PORT", "29500")
    assert ranks.of_torchrun() == ranks.Rank(1, 2, 1, 2, by_torchrun=True)


def test_without_a_loopback_no_rank_is_started(tmp_path: Path) -> None:
    """torch's own words were printed, with the advice to run the same command again."""
    apart = ["unshare", "-rn"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    text = "from pharmagraph.model import launching; launching.require_loopback()"
    _, told = begun([*apart, sys.executable, "-c", text], tmp_path).communicate(timeout=300)
    assert told.splitlines()[-1].startswith(
        "pharmagraph.kg.errors.ModelError: the processes of a training talk to each other over 127.0.0.1, which cannot"
    )
    launching.require_loopback()
