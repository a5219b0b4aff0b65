"""Runs Cypher of the user's own in a process of its own, so that one without end can be ended.

The engine stops most queries at a limit of time, but not all: `UNWIND range(1, 100000000000) AS i …` first makes the
whole list. Such a process is killed, and on Linux it may not take more than `MEMORY`.

The process reads a request from standard input and writes its answer to standard output, both JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pharmagraph.kg.console import plain
from pharmagraph.kg.errors import TOO_LONG, PharmagraphError, QueryError
from pharmagraph.kg.store import open_store

SECONDS = 20.0
"""Time that a query may take."""
MOST_ROWS = 500
"""Rows that are fetched; larger answers are for `cli query --cypher … --format csv`."""
MEMORY = 2 << 30
"""Bytes that a query may need beside the engine's page cache."""
_GRACE = 10.0
"""Seconds for starting the process and opening the store."""

Rows = list[dict[str, Any]]


def ask(store_url: str | None, cypher: str, parameters: Mapping[str, Any]) -> tuple[Rows, bool]:
    """The first `MOST_ROWS` rows of read-only Cypher, and whether there are more.

    Raises
    ------
    QueryError
        If it would write, is refused, takes too long or needs too much memory; and as `open_store`.
    """
    request = {"store": store_url, "cypher": cypher, "parameters": dict(parameters)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pharmagraph.kg.free_cypher"],
            input=json.dumps(request),
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS + _GRACE,
        )
    except subprocess.TimeoutExpired:
        raise QueryError(TOO_LONG) from None
    answer: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {"error": "bad_alloc"}
    if "bad_alloc" in answer.get("error", ""):
        raise QueryError("the query needs too much memory and was stopped; narrow it down")
    if "error" in answer:
        raise QueryError(answer["error"])
    rows: Rows = answer["rows"]
    return rows[:MOST_ROWS], len(rows) > MOST_ROWS


def _limit_memory() -> None:
    """Let this process take no more than `MEMORY` beside what it has; the engine's page cache is reserved already."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    try:
        with open_store(request["store"], read_only=True) as graph:
            _limit_memory()
            rows = graph.rows(request["cypher"], request["parameters"], most=MOST_ROWS + 1, seconds=SECONDS)
        answer: dict[str, Any] = {"rows": plain(rows)}
    except PharmagraphError as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout, default=str)


if __name__ == "__main__":
    main()
