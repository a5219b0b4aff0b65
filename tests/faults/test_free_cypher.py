"""Cypher of the user's own is asked in a process that may die; limits of time, rows and memory hold."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pharmagraph.kg import free_cypher
from pharmagraph.kg.errors import QueryError
from pharmagraph.kg.free_cypher import LimitError, Limits
from tests.cli.typed import typed
from tests.faults.conftest import CHECKOUT, one_line


def test_a_query_without_end_is_stopped(small: Path) -> None:
    started = time.monotonic()
    with pytest.raises(LimitError, match="took too long") as caught:
        free_cypher.ask(
            f"ladybug://{small}",
            "MATCH (a:Gene),(b:Gene),(c:Gene),(d:Gene),(e:Gene),(f:Gene) RETURN sum(size(a.id + f.id))",
            {},
            Limits(seconds=1),
        )
    assert caught.value.limit == "seconds"
    assert time.monotonic() - started < 30


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
@pytest.mark.parametrize(
    "cypher",
    [
        "UNWIND range(1, 100000000000) AS i RETURN sum(i)",
        "RETURN size(range(1, 1000000000)) AS n",
        "MATCH (a:Gene),(b:Gene),(c:Gene),(d:Gene) RETURN a, b, c, d",
    ],
)
def test_a_query_that_needs_all_memory_is_stopped(small: Path, cypher: str) -> None:
    with pytest.raises(LimitError) as caught:
        free_cypher.ask(f"ladybug://{small}", cypher, {}, Limits(rows=10**9, memory=0.25))
    assert caught.value.limit == "memory"
    assert "close other programs" not in str(caught.value)


def test_a_query_at_which_the_engine_dies_is_an_error_here(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"])
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: _as_child(crash.returncode))
    with pytest.raises(QueryError, match=r"the engine ended at this query \(signal 11\)"):
        free_cypher.ask(f"ladybug://{small}", "RETURN 1", {})


def _as_child(code: int) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, "", "")


def test_an_answer_with_too_many_rows_is_refused_and_the_limit_can_be_raised(small: Path) -> None:
    words = ("query", "--cypher", "MATCH (a:Gene), (b:Gene) RETURN a.id AS a, b.id AS b", "--format", "csv")
    told = one_line(typed(*words, "--rows", "100"))
    assert "more than 100 rows" in told and "--rows" in told
    assert len(typed(*words, "--rows", "1600").stdout.splitlines()) == 1601


def test_the_option_that_raises_a_limit_is_named(small: Path) -> None:
    long = "MATCH (a:Gene),(b:Gene),(c:Gene),(d:Gene),(e:Gene),(f:Gene) RETURN sum(size(a.id + f.id))"
    assert "or raise the limit: --seconds" in one_line(typed("query", "--cypher", long, "--seconds", "1"))


def test_an_empty_answer_has_its_columns(small: Path) -> None:
    words = ("query", "--cypher", "MATCH (g:Gene {id: $id}) RETURN g.id AS gene", "id=NONE")
    assert typed(*words, "--format", "csv").stdout == "gene\n"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("date('2020-01-01')", "2020-01-01"),
        ("timestamp('2020-01-01 10:00:00')", "2020-01-01T10:00:00"),
        ("interval('1 day 3 seconds')", "P1DT3S"),
        ("cast(1.5 AS DECIMAL(5, 2))", 1.5),
        ("cast(9007199254740993 AS INT128)", 9007199254740993),  # as a sum is, which no double holds
        ("uuid('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        (r"blob('\\xAA')", "aa"),
        ("[1, 2]", [1, 2]),
        ("1.0 / 0.0", None),
    ],
)
def test_every_value_has_a_form_in_json_and_csv(small: Path, expression: str, expected: Any) -> None:
    words = ("query", "--cypher", f"RETURN {expression} AS value", "--format")
    answer = typed(*words, "json")
    assert json.loads(answer.stdout) == [{"value": expected}], answer.stderr
    flat = "; ".join(map(str, expected)) if isinstance(expected, list) else str(expected or "")
    assert list(csv.reader(io.StringIO(typed(*words, "csv").stdout)))[1:] == [[flat]]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_ends_a_query_and_its_process(small: Path) -> None:
    long = "MATCH (a:Gene),(b:Gene),(c:Gene),(d:Gene),(e:Gene),(f:Gene) RETURN sum(size(a.id + f.id))"
    asking = subprocess.Popen(
        [sys.executable, "-m", "pharmagraph.cli", "query", "--cypher", long],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stderr=subprocess.PIPE,
        start_new_session=True,
        # a shell may have started the tests with SIGINT ignored, which children inherit
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (children := _children(asking.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(2)
    os.killpg(asking.pid, signal.SIGINT)
    _, said = asking.communicate(timeout=10)
    assert asking.returncode == 130, said
    deadline = time.monotonic() + 20
    while any(_runs(child) for child in children):  # it was killed; a busy system takes a while
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _runs(pid: str) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
