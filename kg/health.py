"""The state of a store in one line: what was cut off or is missing, and the next command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pharmagraph.kg import run_register
from pharmagraph.kg.store import GraphStore


def health(
    store: GraphStore,
    counts: Mapping[str, int],
    datasets: Sequence[object],
    runs: Sequence[Mapping[str, Any]],
) -> str:
    """The state of a store.

    Parameters
    ----------
    store
        An open store.
    counts, datasets
        Its numbers of nodes and edges, and its data sets.
    runs
        Its runs with ``id`` and ``promoted``.
    """
    if left := run_register.half_deleted(store):
        return f"the removal of run {left[0]} was cut off; next: cli runs delete {left[0]}"
    if not datasets:
        if any(n for kind, n in counts.items() if kind != "Ingest"):  # the history stays when all is removed
            return "a load or a copy was cut off; next: run it again"
        return "empty; next: cli ingest gdsc"
    if not counts["Drug-TESTED_ON-CellLine"]:
        return "no drug responses; next: cli ingest gdsc"
    if not runs:
        return "ready to train; next: cli train"
    if not any(row["promoted"] for row in runs):
        return f"trained; next: cli runs promote {runs[-1]['id']}"
    return "complete; next: cli query --list"
