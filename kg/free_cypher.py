"""Runs Cypher of the user's own in a process of its own, with limits of time, rows and memory.

The engine stops most queries at a limit of time, but not all: `UNWIND range(1, 100000000000) AS i …` first makes the
whole list. Some texts end the process that asks. So the asking process is a child: it may die, it is killed at the
limit, and on Linux it may not take more memory than it is given. Named queries need none of this.

The child reads a request from standard input and writes its answer to standard output, both JSON.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pharmagraph.kg.console import plain
from pharmagraph.kg.errors import TOO_LARGE, TOO_LONG, PharmagraphError, QueryError
from pharmagraph.kg.store import open_store

_GRACE = 10.0
"""Seconds for starting the process and opening the store."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Limits:
    """What a query may take.

    Attributes
    ----------
    rows
        Rows that are fetched.
    seconds
        Time.
    memory
        Gigabytes beside the engine's page cache; on Linux alone.
    """

    rows: int = 100_000
    seconds: float = 60.0
    memory: float = 4.0


SHOWN = Limits(rows=500, seconds=20.0, memory=2.0)
"""Limits of answers that are looked at; larger ones are for `cli query --cypher … --format csv`."""


@dataclass(frozen=True)
class Answer:
    """The first rows of an answer, its columns, and whether it has more rows."""

    columns: Sequence[str]
    rows: Rows
    are_more: bool


class LimitError(QueryError):
    """A query that reached a limit; ``limit`` is the name of the field of `Limits`."""

    def __init__(self, message: str, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


def ask(
    store_url: str | None, cypher: str, parameters: Mapping[str, Any], limits: Limits | None = None
) -> Answer:
    """The first rows of read-only Cypher.

    Parameters
    ----------
    store_url
        As `open_store` takes it.
    parameters
        Text, numbers, booleans and lists of them.

    Raises
    ------
    LimitError
        If it takes too long or needs too much memory.
    QueryError
        If it would write or is refused, or the engine ends at it; and as `open_store`.
    """
    limits = limits or Limits()
    request = {"store": store_url, "cypher": cypher, "parameters": dict(parameters), "limits": asdict(limits)}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pharmagraph.kg.free_cypher"],
            input=json.dumps(request),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limits.seconds + _GRACE,
        )
    except subprocess.TimeoutExpired:
        raise _too_long() from None
    if done.returncode:
        raise _ended(done.returncode, done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    if (error := answer.get("error")) is None:
        return Answer(answer["columns"], answer["rows"][: limits.rows], len(answer["rows"]) > limits.rows)
    if error == TOO_LONG:
        raise _too_long()
    if error == TOO_LARGE or "bad_alloc" in error:
        raise LimitError(TOO_LARGE, "memory")
    raise QueryError(error)


def _too_long() -> LimitError:
    return LimitError(TOO_LONG, "seconds")


def _ended(code: int, said: str) -> QueryError:
    """The error for a child that ended without an answer."""
    if code == -signal.SIGALRM:
        return _too_long()
    if "bad_alloc" in said or "MemoryError" in said or code == -signal.SIGKILL:
        return LimitError(TOO_LARGE, "memory")
    last = (said.strip().splitlines() or ["no message"])[-1]
    how = f"signal {-code}" if code < 0 else last
    return QueryError(f"the engine ended at this query ({how}); write it in another way")


def _limit_memory(gigabytes: float) -> None:
    """Let this process take no more beside what it has; the engine's page cache is reserved already."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + int(gigabytes * (1 << 30))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    limits = Limits(**request["limits"])
    signal.alarm(
        int(limits.seconds + _GRACE) + 1
    )  # ends this process even where the one that asked was killed
    try:
        with open_store(request["store"], read_only=True) as graph:
            _limit_memory(limits.memory)
            columns, rows = graph.answer(
                request["cypher"], request["parameters"], most=limits.rows + 1, seconds=limits.seconds
            )
            answer: dict[str, Any] = {"columns": columns, "rows": plain(rows)}
            text = json.dumps(answer)
    except PharmagraphError as error:
        text = json.dumps({"error": str(error)})
    except MemoryError:
        text = json.dumps({"error": TOO_LARGE})
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
