"""The history of a store: every load and removal that changed it, and what runs were trained on.

A load that changes nothing leaves no line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pharmagraph.kg import schema
from pharmagraph.kg.ingest_kind import INGEST, LOAD
from pharmagraph.kg.provenance import git_fingerprint
from pharmagraph.kg.store import GraphStore

Counts = Mapping[str, Mapping[str, int]]
"""Kind → what was done → number of rows."""


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def record(
    store: GraphStore,
    action: str,
    datasets: Sequence[str],
    changes: Counts,
    *,
    source: str | None = None,
    version: str | None = None,
    sha256: str | None = None,
    alone: Sequence[str] = (),
) -> None:
    """Write a line of the history.

    Parameters
    ----------
    action
        One of `kg.ingest_kind.ACTIONS`.
    datasets, source, version, sha256, alone
        Properties of the node Ingest.
    changes
        Kinds of which nothing changed are left out.
    """
    import pyarrow as pa

    at = datetime.now(UTC)
    row = {
        "id": f"{at.isoformat(timespec='microseconds')} {action} {'+'.join(datasets)}",
        "at": at.isoformat(timespec="seconds"),
        "action": action,
        "datasets": list(datasets),
        "source": source,
        "version": version,
        "sha256": sha256,
        "program": git_fingerprint(),
        "changes": json.dumps(
            {kind: done for kind, n in changes.items() if (done := {k: v for k, v in n.items() if v})}
        ),
        "alone": list(alone) or None,
    }
    columns = [p for p in INGEST.columns if row[p.name] is not None]
    store.upsert_nodes(
        INGEST.label, pa.table({p.name: pa.array([row[p.name]], schema.ARROW[p.type]) for p in columns})
    )


def entries(store: GraphStore) -> list[dict[str, Any]]:
    """Every line, oldest first, with ``changes`` as a dictionary.

    A dataset that was loaded before stores kept a history has one line, with what its Dataset node says.
    """
    rows = store.node_rows(INGEST.label, [p.name for p in INGEST.columns])
    for row in rows:
        row["changes"] = json.loads(row["changes"])
    recorded = {dataset for row in rows for dataset in row["datasets"]}
    columns = ["id", "source", "version", "sha256", "ingested_at", "row_counts"]
    for card in store.node_rows("Dataset", columns):
        if card["id"] not in recorded:
            counts = json.loads(card["row_counts"] or "{}")
            rows.append(
                {
                    "id": card["id"], "at": card["ingested_at"], "action": LOAD, "datasets": [card["id"]],
                    "source": card["source"], "version": card["version"], "sha256": card["sha256"], "program": None,
                    "changes": {kind: {"inserted": n} for kind, n in counts.items()}, "alone": None,
                }
            )  # fmt: skip
    return sorted(rows, key=lambda row: (row["at"] or "", row["id"]))


def since(history: Iterable[Mapping[str, Any]], time: str | None) -> list[str]:
    """What was done to the graph after a time, such as the start of a run, a sentence each.

    Parameters
    ----------
    history
        The result of `entries`.
    time
        ISO 8601, in UTC; None for before everything.
    """
    return [sentence(row) for row in history if (row["at"] or "") > (time or "")]


def verdict(changes: Sequence[str]) -> str:
    """Whether the graph is as a run saw it, for a table; ``changes`` is the result of `since`."""
    return "changed since" if changes else "as seen"


def seen(history: Iterable[Mapping[str, Any]], datasets: Sequence[str], time: str | None) -> list[str]:
    """The loads of which a run saw the responses, the last of each dataset, a sentence each.

    Parameters
    ----------
    history
        The result of `entries`.
    datasets
        Ids of the datasets that it was trained on.
    time
        When it was started.
    """
    last: dict[str, str] = {}
    for row in history:
        if row["action"] == LOAD and (row["at"] or "") <= (time or ""):
            checksum = f", sha256 {row['sha256'][:12]}" if row["sha256"] else ""
            at = (row["at"] or "")[:16].replace("T", " ")
            told = f"{', '.join(row['datasets'])} from {row['source']}{checksum}, loaded {at}"
            last |= {dataset: told for dataset in row["datasets"] if dataset in datasets}
    return list(dict.fromkeys(last[dataset] for dataset in datasets if dataset in last))


def sentence(row: Mapping[str, Any]) -> str:
    """A line of the history as text, such as ``2026-11-30 05:40 load screen: 3 inserted, 1 updated``."""
    at = (row["at"] or "")[:16].replace("T", " ")
    done = ", ".join(f"{n:,} {what}" for what, n in totals(row).items() if n)
    return f"{at} {row['action']} {', '.join(row['datasets'])}" + (f": {done}" if done else "")


def totals(row: Mapping[str, Any]) -> dict[str, int]:
    """What was done in a line of the history → number of rows of all kinds."""
    kinds = row["changes"].values()
    return {what: sum(n.get(what, 0) for n in kinds) for what in ("inserted", "updated", "removed", "gone")}
