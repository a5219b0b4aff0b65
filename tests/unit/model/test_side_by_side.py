"""Tasks in processes of their own: results, progress, errors, and processes that end before their task."""

from __future__ import annotations

import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import ModelError, RowError
from pharmagraph.model import side_by_side as module
from pharmagraph.model.cores import _cores_of_container
from pharmagraph.model.side_by_side import Tell, sent_weights, side_by_side, take_weights

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")

MOST_WORKERS = module.most_workers


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "most_workers", lambda: 2)


def _square(number: int, tell: Tell) -> tuple[int, np.ndarray]:
    tell(number, "begun")
    return os.getpid(), np.full(3, number**2)


def test_results_come_in_the_order_of_tasks_from_processes_of_their_own() -> None:
    told: list[tuple[int, str]] = []
    found = side_by_side([partial(_square, n) for n in range(5)], 2, lambda *what: told.append(what))
    assert [values.tolist() for _, values in found] == [[n**2] * 3 for n in range(5)]
    assert len({process for process, _ in found} - {os.getpid()}) == 5
    assert sorted(told) == [(n, "begun") for n in range(5)]


def test_weights_come_back_to_the_bit() -> None:
    def trained(tell: Tell) -> dict[str, np.ndarray]:
        torch.nn.init.constant_(here.weight, 1 / 3)
        return sent_weights(here.state_dict())

    here, there = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    before = here.weight.clone()
    sent, _ = side_by_side([trained, trained], 2)
    assert torch.equal(here.weight, before)  # the copy's was changed
    take_weights(there, sent)
    assert torch.equal(there.weight, torch.full((2, 2), 1 / 3)) and torch.equal(there.bias, here.bias)


def test_one_worker_stays_in_this_process() -> None:
    assert {process for process, _ in side_by_side([partial(_square, n) for n in range(3)], 1)} == {
        os.getpid()
    }


def test_an_error_is_raised_here_and_stops_the_others() -> None:
    def slow(tell: Tell) -> None:
        tell(os.getpid())
        time.sleep(60)

    def wrong(tell: Tell) -> None:
        time.sleep(0.5)  # the other one has begun
        raise ModelError("no such thing")

    told: list[int] = []
    with pytest.raises(ModelError, match="no such thing") as raised:
        side_by_side([slow, wrong], 2, told.append)
    assert "in wrong" in "".join(raised.value.__notes__)
    assert told and not any(Path(f"/proc/{process}").exists() for process in told)


def test_an_error_that_cannot_be_sent_is_told_in_its_words() -> None:
    class LocalError(Exception):
        def __init__(self, what: str) -> None:
            super().__init__(what)
            self.hook = lambda: what

    def wrong(tell: Tell) -> None:
        raise LocalError("of a kind of its own")

    with pytest.raises(ModelError, match="LocalError: of a kind of its own"):
        side_by_side([wrong, partial(_square, 2)], 2)


def test_an_error_that_takes_more_than_a_message_is_told_in_its_words() -> None:
    def wrong(tell: Tell) -> None:
        raise RowError("drugs.csv", 2, "smiles", "C(", "is no structure")

    with pytest.raises(ModelError, match=r'RowError: drugs.csv, row 2, column smiles: "C\(" is no structure'):
        side_by_side([wrong, partial(_square, 2)], 2)


def test_a_process_that_is_done_is_not_waited_for() -> None:
    def with_a_thread(tell: Tell) -> int:
        threading.Thread(target=time.sleep, args=(60,)).start()  # Python waits for it at the end of a process
        return 1

    started = time.monotonic()
    assert side_by_side([with_a_thread, with_a_thread], 2) == [1, 1]
    assert time.monotonic() - started < 30


def test_a_process_that_ends_within_a_message_is_said_like_any_other() -> None:
    here, there = multiprocessing.Pipe(duplex=False)
    os.write(there.fileno(), struct.pack("!i", 100) + b"less than 100 bytes")
    there.close()
    process = multiprocessing.get_context("fork").Process(target=int)
    process.start()
    assert isinstance(here, Connection)
    with pytest.raises(ModelError, match="ended before it was done"):
        module._received(here, process)
    here.close()


def test_there_is_one_worker_where_the_process_cannot_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pharmagraph.model.kernels.cpu_numba", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert MOST_WORKERS() == 3
    with monkeypatch.context() as changed:
        changed.setattr(torch.cuda, "is_available", lambda: True)
        assert MOST_WORKERS() == 1
    with monkeypatch.context() as changed:
        changed.setitem(sys.modules, "pharmagraph.model.kernels.cpu_numba", module)
        assert MOST_WORKERS() == 1
    found = side_by_side([lambda tell: MOST_WORKERS()] * 2, 2)  # a copy makes no copies
    assert found == [1, 1]


def test_a_process_that_ends_before_its_task_is_said_with_the_way_out() -> None:
    def killed(tell: Tell) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ModelError, match=r"exit code -9.*memory is short.*workers"):
        side_by_side([killed, partial(_square, 2)], 2)


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from pharmagraph.model import side_by_side as module\n"
        "module.most_workers = lambda: 2\n"
        "def task(tell):\n"
        "    tell(os.getpid())\n"
        "    time.sleep(60)\n"
        "module.side_by_side([task, task], 2, lambda process: print(process, flush=True))\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while (alive := [child for child in children if _runs(child)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("said", "cores"),
    [
        ("200000 100000", 2),
        ("150000 100000", 1),
        ("50000 100000", 1),
        ("max 100000", sys.maxsize),
        ("", sys.maxsize),
    ],
)
def test_a_container_has_the_cores_of_its_limit(tmp_path: Path, said: str, cores: int) -> None:
    limit = tmp_path / "cpu.max"
    assert _cores_of_container(limit) == sys.maxsize
    limit.write_text(f"{said}\n")
    assert _cores_of_container(limit) == cores
