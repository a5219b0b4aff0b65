"""Reads the register of training runs: all runs, or one by id. Writing and comparing them is in `kg.runs`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pharmagraph.kg import schema
from pharmagraph.kg.errors import NotFoundError
from pharmagraph.kg.store import GraphStore

DELETING = "deleting"
"""Status of a run whose removal has begun: it is not listed, and whoever writes runs next finishes the removal."""
Advance = Callable[[str], None]
"""Called with what is about to be written."""


def silent(what: str) -> None:
    """Tell nobody what is about to be written."""


def runs(store: GraphStore) -> list[dict[str, Any]]:
    """All runs, oldest first, with ``metrics``, ``config`` and ``unused_attention`` as dictionaries.

    A run's folder is where training made it. Where it is not there any more, since a project was moved or copied as a
    whole, it is the one of the same name beside the embedded store.
    """
    rows = store.node_rows("Run", [p.name for p in schema.node("Run").columns])
    rows = [row for row in rows if row["status"] != DELETING]
    for row in rows:
        for name in ("metrics", "config", "unused_attention"):
            row[name] = json.loads(row[name] or "{}")
        row["folder"] = _moved_with_store(store, row["folder"])
    return sorted(rows, key=lambda row: (row["started_at"] or "", row["id"]))


def half_deleted(store: GraphStore) -> list[str]:
    """Ids of runs whose removal was cut off."""
    return [row["id"] for row in store.node_rows("Run", ["id", "status"]) if row["status"] == DELETING]


def _moved_with_store(store: GraphStore, folder: str | None) -> str | None:
    if folder is None or store.folder is None or Path(folder).is_dir():
        return folder
    beside = store.folder / Path(folder).parent.name / Path(folder).name
    return str(beside) if beside.is_dir() else folder


def find(store: GraphStore, run_id: str | None = None) -> dict[str, Any]:
    """One run by id, or the promoted one.

    Raises
    ------
    NotFoundError
        If there is no such run, or none is promoted.
    """
    rows = runs(store)
    if run_id is None:
        promoted = [row for row in rows if row["promoted"]]
        if not promoted:
            way = f"cli runs promote {rows[-1]['id']}" if rows else "cli train --promote"
            raise NotFoundError("run", "promoted", (), f"none is promoted; next: {way}")
        return promoted[-1]
    for row in rows:
        if row["id"] == run_id:
            return row
    raise NotFoundError("run", run_id, [row["id"] for row in rows], "see: cli runs list")
