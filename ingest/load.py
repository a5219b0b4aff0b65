"""Writes validated tables into the store: nodes, then edges, then a check of the counts, and the Dataset node last.

A load replaces its datasets: stored edges that the source no longer has are removed. A load may be cut off anywhere;
the same load again finishes the work.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.contracts import validate
from pharmagraph.ingest.datasets import Ids, add_ends, orphans
from pharmagraph.ingest.drugs_in_store import joined
from pharmagraph.ingest.rejections import Rejected, count
from pharmagraph.ingest.releases import Gone, Step, n_marked, reconcile, write_edges, write_profiles
from pharmagraph.kg import history, schema
from pharmagraph.kg import steps as told
from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError, StoreFullError
from pharmagraph.kg.ingest_kind import LOAD
from pharmagraph.kg.layers import layer
from pharmagraph.kg.profiles import PROFILE
from pharmagraph.kg.reading.text import stem
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import option

if TYPE_CHECKING:
    import pandas as pd

Advance = Callable[[str, int], None]
"""Called before each step with the name of the step and the number of rows done since the last call."""

COLUMNS = ("dataset", "kind", "ends", "inserted", "updated", "unchanged", "removed", "gone", "rejected")
"""Of a report's table."""


@dataclass(frozen=True)
class Report:
    """The result of a load.

    Parameters
    ----------
    bundle
        The bundle that was loaded.
    steps
        One for each table, in the order of writing.
    seconds
        Wall time of the load, without reading the files.
    """

    bundle: Bundle
    steps: tuple[Step, ...]
    seconds: float

    @property
    def changed(self) -> bool:
        """Whether the store is another than before."""
        return any(s.changed for s in self.steps)

    def rows(self) -> list[dict[str, Any]]:
        """One row a kind that was sent, with the columns `COLUMNS`."""
        return [
            {
                "dataset": self.bundle.name,
                "kind": step.kind,
                "ends": "→".join(step.ends) if step.ends else None,
                "inserted": step.change.inserted,
                "updated": step.change.updated,
                "unchanged": step.change.unchanged,
                "removed": step.removed,
                "gone": step.gone,
                "rejected": count(self.bundle.rejected, step.kind).total(),
            }
            for step in self.steps
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row a kind: ``dataset``, ``kind``, ``ends`` (of edges), and numbers of rows that were ``inserted``,
        ``updated``, ``unchanged``, ``removed``, ``gone`` (left in, though the source lacks them) and ``rejected``."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=list(COLUMNS))

    @property
    def rejected(self) -> pd.DataFrame:
        """One row a place that was not loaded: ``kind``, ``file``, ``row`` (the header is 1), ``column``, ``value``,
        ``reason`` and ``rows``, the number of rows or cells that this loses."""
        import pandas as pd

        columns = [field.name for field in fields(Rejected)]
        return pd.DataFrame([asdict(one) for one in self.bundle.rejected], columns=columns)


def load(
    store: GraphStore,
    bundle: Bundle,
    *,
    advance: Advance = lambda what, rows: None,
    named: bool = True,
    gone: Gone = "remove",
    drugs_by_structure: bool = False,
) -> Report:
    """Write a bundle.

    Parameters
    ----------
    store
        Open for writing.
    bundle
        The tables; all are validated before the first one is written.
    advance
        Called to show progress.
    named
        Whether the dataset's id was given or is the source's own, and not the name of a file or a folder.
    gone
        What becomes of what the stored release of a dataset has, and this one lacks. With ``remove``, nodes go, too, of
        which nothing is left.

    drugs_by_structure
        Whether a drug is that of the store that has its structure or its code (`ingest.drugs_in_store`).

    Raises
    ------
    InputError
        If a table breaks its contract, or the store has the id of a file's name from another source; then nothing is
        written.
    StoreError
        If the store afterwards holds fewer or more rows than were sent.
    """
    started = time.perf_counter()
    nodes, edges = _validated(bundle)
    store.create_schema()
    if not named:
        _require_free(store, bundle)
    if drugs_by_structure:
        bundle = joined(store, bundle)
        nodes, edges = _validated(bundle)
    marked = {row["id"] for row in store.node_rows("Dataset", ["id", "marked"]) if row["marked"]}
    steps: list[Step] = []
    left: Ids = {}
    alone: list[str] = []
    referred = _referred(bundle)
    writing = ""
    try:
        for label, table in nodes.items():
            writing = label
            advance(label, 0)
            with told.step(f"load {label}", rows=table.num_rows) as counted:
                step, new = upsert_nodes(store, label, table)
                counted |= asdict(step.change)
            steps.append(step)
            alone += [f"{label}:{id_}" for id_ in sorted(new - referred.get(label, set()))]
            advance(label, table.num_rows)
        if bundle.profiles:
            writing = PROFILE
            advance(PROFILE, 0)
            steps += write_profiles(store, bundle.profiles, gone=gone, left=left)
            advance(PROFILE, sum(len(one.cell_lines) for one in bundle.profiles))
        for (type_, ends), table in edges.items():
            writing = type_
            advance(type_, 0)
            replaced = _replaced(table, bundle)
            with told.step(f"load {ends[0]}-{type_}-{ends[1]}", rows=table.num_rows) as counted:
                step = write_edges(
                    store, type_, ends, table, replaced, gone=gone, any_marked=not marked.isdisjoint(replaced),
                    left=left,
                )  # fmt: skip
                counted |= asdict(step.change)
            steps.append(step)
            advance(type_, table.num_rows)
        sent = {label: set(table["id"].to_pylist()) for label, table in nodes.items()}
        for label, ids in orphans(store, {k: v - sent.get(k, set()) for k, v in left.items()}).items():
            if ids:
                store.delete_nodes(label, ids)
                at = next((n for n, s in enumerate(steps) if s.kind == label), len(steps))
                step = steps[at] if at < len(steps) else Step(label, None, Change())
                steps[at : at + 1] = [replace(step, removed=len(ids), examples=tuple(ids[:3]))]
        writing = "Dataset"
        marks = {card.id for card in bundle.datasets if card.id in marked or any(s.marked for s in steps)}
        _write_cards(store, bundle, edges, marks=marks, steps=steps, alone=alone)
    except StoreFullError as error:
        whole = ", ".join(dict.fromkeys(s.kind for s in steps)) or "nothing"
        raise StoreFullError(
            f"no room in {store.url} for all of {writing} ({str(error).partition(';')[0]}); "
            f"written whole before that: {whole}. Make room and run the same command again: it goes on from there"
        ) from error
    return Report(bundle, tuple(steps), time.perf_counter() - started)


def _require_free(store: GraphStore, bundle: Bundle) -> None:
    """Refuse an id that a dataset of another source has: the load would replace its edges."""
    stored = {row["id"]: row["source"] for row in store.node_rows("Dataset", ["id", "source"])}
    for card in bundle.datasets:
        other = stored.get(card.id)
        if other is not None and stem(Path(other)) != stem(Path(card.source)):
            raise InputError(
                f'the store has a dataset "{card.id}" from {other}, which {card.source} would replace; give this one '
                f"another id: {option('name', 'ID')}"
            )


def upsert_nodes(store: GraphStore, label: str, table: pa.Table) -> tuple[Step, set[str]]:
    """Write nodes; what was done, and the ids of those that are new.

    Properties that the table lacks, or has no value of, keep their stored values.

    Raises
    ------
    StoreError
        If the store afterwards lacks one.
    """
    stored = store.read_nodes(label)
    change = store.upsert_nodes(label, _kept(stored, table))
    reconcile(label, table.num_rows, change.total)
    held = store.read_nodes(label, ["id"]).column("id")
    missing = pc.sum(pc.invert(pc.is_in(table.column("id"), value_set=held.combine_chunks()))).as_py() or 0
    reconcile(label, table.num_rows, table.num_rows - missing)
    return Step(label, None, change), set(table["id"].to_pylist()).difference(stored["id"].to_pylist())


def _validated(bundle: Bundle) -> tuple[dict[str, pa.Table], dict[tuple[str, Ends], pa.Table]]:
    return (
        {label: validate(schema.node(label), table) for label, table in bundle.nodes.items()},
        {key: validate(schema.edge(key[0]), table) for key, table in bundle.edges.items()},
    )


def _referred(bundle: Bundle) -> Ids:
    """The nodes that an edge or a profile of a bundle refers to."""
    found: Ids = {}
    for (_, ends), table in bundle.edges.items():
        add_ends(found, ends, table)
    for one in bundle.profiles:
        found.setdefault("CellLine", set()).update(one.cell_lines)
        found.setdefault(layer(one.kind).features, set()).update(one.genes)
    return found


def _kept(stored: pa.Table, table: pa.Table) -> pa.Table:
    """The table with nulls filled from the store and aliases merged, so that a source with less data erases nothing."""
    index = pc.index_in(table.column("id"), value_set=stored.column("id").combine_chunks())
    if index.null_count == len(index):
        return table
    for name in table.column_names:
        if name == "id":
            continue
        old = stored.column(name).take(index)
        new = table.column(name)
        if name == "aliases":
            joined = [
                sorted({*(a or ()), *(b or ())}) or None
                for a, b in zip(old.to_pylist(), new.to_pylist(), strict=True)
            ]
            column = pa.array(joined, new.type)
        elif new.null_count:
            column = pc.coalesce(new, old)
        else:
            continue
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _replaced(table: pa.Table, bundle: Bundle) -> list[str]:
    """The datasets whose stored edges a table replaces: those it has rows of; if it is empty, all of the bundle.

    A dataset that another load filled, such as GDSC's copy numbers, keeps its edges beside another dataset's.
    """
    named = set(pc.unique(table.column("dataset")).to_pylist())
    return [card.id for card in bundle.datasets if not named or card.id in named]


def _write_cards(
    store: GraphStore,
    bundle: Bundle,
    edges: dict[tuple[str, Ends], pa.Table],
    *,
    marks: Collection[str],
    steps: Sequence[Step],
    alone: Sequence[str],
) -> None:
    """Write the Dataset nodes and, if the load changed anything, a line of the history."""
    stored = {row["id"]: row for row in store.read_nodes("Dataset").to_pylist()}
    changed = any(s.changed for s in steps)
    rows = []
    for card in bundle.datasets:
        row = _card_row(card, edges)
        old = stored.get(card.id)
        merged = {**(old or {}), **{k: v for k, v in row.items() if v is not None}}
        if old is not None and old.get("row_counts"):
            counts = {**json.loads(old["row_counts"]), **json.loads(str(row["row_counts"]))}
            merged["row_counts"] = json.dumps(counts, sort_keys=True)
        if card.id in marks:
            merged["marked"] = n_marked(store, card.id)
        if changed or old is None or any(merged[k] != old.get(k) for k in row):
            changed = True
            merged["ingested_at"] = history.now()
        rows.append(merged)
    columns = schema.node("Dataset").columns
    table = pa.Table.from_pylist(
        [{p.name: row.get(p.name) for p in columns} for row in rows],
        schema=pa.schema([(p.name, schema.ARROW[p.type]) for p in columns]),
    )
    reconcile(
        "Dataset",
        table.num_rows,
        store.upsert_nodes("Dataset", validate(schema.node("Dataset"), table)).total,
    )
    if changed:
        history.record(
            store, LOAD, [card.id for card in bundle.datasets], changes_by_kind(steps), alone=alone,
            source=_texts(card.source for card in bundle.datasets),
            version=_texts(card.version for card in bundle.datasets),
            sha256=_texts(card.sha256 for card in bundle.datasets),
        )  # fmt: skip


def changes_by_kind(steps: Sequence[Step]) -> dict[str, dict[str, int]]:
    """What a load did, as the history has it."""
    found: dict[str, dict[str, int]] = {}
    for step in steps:
        key = schema.edge_count_key(step.kind, step.ends) if step.ends else step.kind
        of_kind = found.setdefault(key, dict.fromkeys(("inserted", "updated", "removed", "gone"), 0))
        for what, n in (
            ("inserted", step.change.inserted),
            ("updated", step.change.updated),
            ("removed", step.removed),
            ("gone", step.gone),
        ):
            of_kind[what] += n
    return found


def _texts(texts: Iterable[str | None]) -> str | None:
    """Different texts in one, or None."""
    return "; ".join(dict.fromkeys(t for t in texts if t)) or None


def _card_row(card: DatasetCard, edges: dict[tuple[str, Ends], pa.Table]) -> dict[str, str | None]:
    counts = {}
    for (type_, ends), table in edges.items():
        n = pc.sum(pc.equal(table.column("dataset"), card.id)).as_py() or 0
        if n:
            counts[f"{ends[0]}-{type_}-{ends[1]}"] = n
    return {
        "id": card.id,
        "version": card.version,
        "source": card.source,
        "licence": card.licence,
        "citation": card.citation,
        "sha256": card.sha256,
        "part_of": card.part_of,
        "row_counts": json.dumps(counts, sort_keys=True),
    }
