"""Writes validated tables into the store: nodes, then edges, then a check of the counts, and the Dataset node last.

A load replaces its datasets: stored edges that the source no longer has are removed. A load may be cut off anywhere;
the same load again finishes the work.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.contracts import validate
from pharmagraph.ingest.rejections import Rejected, count
from pharmagraph.kg import schema
from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError, StoreError, StoreFullError
from pharmagraph.kg.profiles import PANEL, PROFILE, Profiles
from pharmagraph.kg.reading.text import stem
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import option

if TYPE_CHECKING:
    import pandas as pd

Advance = Callable[[str, int], None]
"""Called before each step with the name of the step and the number of rows done since the last call."""

COLUMNS = ("dataset", "kind", "ends", "inserted", "updated", "unchanged", "removed", "rejected")
"""Of a report's table."""


@dataclass(frozen=True)
class Step:
    """The result of a load for one node kind or edge kind.

    Parameters
    ----------
    kind
        Node label, or relationship type.
    ends
        Labels of an edge kind; None for nodes.
    change
        Rows inserted, updated and unchanged.
    removed
        Number of edges of the same datasets that the source no longer has.
    """

    kind: str
    ends: Ends | None
    change: Change
    removed: int = 0

    @property
    def changed(self) -> bool:
        """Whether the store is another than before."""
        return bool(self.change.inserted or self.change.updated or self.removed)


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
                "rejected": count(self.bundle.rejected, step.kind).total(),
            }
            for step in self.steps
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row a kind: ``dataset``, ``kind``, ``ends`` (of edges), and numbers of rows that were ``inserted``,
        ``updated``, ``unchanged``, ``removed`` and ``rejected``."""
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
    store: GraphStore, bundle: Bundle, *, advance: Advance = lambda what, rows: None, named: bool = True
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

    Raises
    ------
    InputError
        If a table breaks its contract, or the store has the id of a file's name from another source; then nothing is
        written.
    StoreError
        If the store afterwards holds fewer or more rows than were sent.
    """
    started = time.perf_counter()
    nodes = {label: validate(schema.node(label), table) for label, table in bundle.nodes.items()}
    edges = {key: validate(schema.edge(key[0]), table) for key, table in bundle.edges.items()}
    store.create_schema()
    if not named:
        _require_free(store, bundle)
    steps: list[Step] = []
    writing = ""
    try:
        for label, table in nodes.items():
            writing = label
            advance(label, 0)
            steps.append(Step(label, None, _upsert_nodes(store, label, table)))
            advance(label, table.num_rows)
        if bundle.profiles:
            writing = PROFILE
            advance(PROFILE, 0)
            steps += _replace_profiles(store, bundle.profiles)
            advance(PROFILE, sum(len(one.cell_lines) for one in bundle.profiles))
        for (type_, ends), table in edges.items():
            writing = type_
            advance(type_, 0)
            replaced = _replaced(table, bundle)
            steps.append(_upsert_edges(store, type_, ends, table, replaced))
            advance(type_, table.num_rows)
        writing = "Dataset"
        _write_cards(store, bundle, edges, changed=any(s.changed for s in steps))
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


def _upsert_nodes(store: GraphStore, label: str, table: pa.Table) -> Change:
    change = store.upsert_nodes(label, _kept(store.read_nodes(label), table))
    _reconcile(label, table.num_rows, change.total)
    held = store.read_nodes(label, ["id"]).column("id")
    missing = pc.sum(pc.invert(pc.is_in(table.column("id"), value_set=held.combine_chunks()))).as_py() or 0
    _reconcile(label, table.num_rows, table.num_rows - missing)
    return change


def _replace_profiles(store: GraphStore, profiles: Sequence[Profiles]) -> list[Step]:
    """Write panels, the profiles that refer to them, and only then remove what the datasets no longer have."""
    tables = {
        PANEL: pa.concat_tables([one.panel_table() for one in profiles]),
        PROFILE: pa.concat_tables([one.table() for one in profiles]),
    }
    written = {label: store.upsert_nodes(label, table) for label, table in tables.items()}
    replaced = {(one.dataset, one.kind) for one in profiles}
    steps = []
    for label in (PROFILE, PANEL):
        table, change = tables[label], written[label]
        _reconcile(label, table.num_rows, change.total)
        sent = set(table["id"].to_pylist())
        held = store.node_rows(label, ["id", "dataset", "kind"])
        ids = {row["id"] for row in held if (row["dataset"], row["kind"]) in replaced}
        if stale := sorted(ids - sent):
            store.delete_nodes(label, stale)
        _reconcile(label, table.num_rows, len(ids & sent))
        steps.append(Step(label, None, change, len(stale)))
    return steps


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


def _upsert_edges(store: GraphStore, type_: str, ends: Ends, table: pa.Table, datasets: list[str]) -> Step:
    before = _held(store, type_, ends, datasets)
    change = store.upsert_edges(type_, ends, table)
    _reconcile(type_, table.num_rows, change.total)
    removed = before - change.updated - change.unchanged
    if removed:
        # Rewriting the datasets' edges of this kind takes two calls; deleting edges one by one is slow on some engines.
        for dataset in datasets:
            store.delete_edges(type_, ends, equals={"dataset": dataset})
        store.upsert_edges(type_, ends, table)
    if change.inserted or removed:
        _reconcile(type_, table.num_rows, _held(store, type_, ends, datasets))
    return Step(type_, ends, change, removed)


def _held(store: GraphStore, type_: str, ends: Ends, datasets: Iterable[str]) -> int:
    return int(store.read_edges(type_, ends, ["dataset"], equals={"dataset": list(datasets)}).num_rows)


def _reconcile(kind: str, sent: int, held: int) -> None:
    if sent != held:
        raise StoreError(
            f"{kind}: {sent:,} rows were sent and the store holds {held:,}; run the same command again, "
            "and if that does not mend it, load into a new store"
        )


def _write_cards(
    store: GraphStore, bundle: Bundle, edges: dict[tuple[str, Ends], pa.Table], *, changed: bool
) -> None:
    stored = {row["id"]: row for row in store.read_nodes("Dataset").to_pylist()}
    rows = []
    for card in bundle.datasets:
        row = _card_row(card, edges)
        old = stored.get(card.id)
        merged = {**(old or {}), **{k: v for k, v in row.items() if v is not None}}
        if old is not None and old.get("row_counts"):
            counts = {**json.loads(old["row_counts"]), **json.loads(str(row["row_counts"]))}
            merged["row_counts"] = json.dumps(counts, sort_keys=True)
        if changed or old is None or any(merged[k] != old.get(k) for k in row):
            merged["ingested_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        rows.append(merged)
    columns = schema.node("Dataset").columns
    table = pa.Table.from_pylist(
        [{p.name: row.get(p.name) for p in columns} for row in rows],
        schema=pa.schema([(p.name, schema.ARROW[p.type]) for p in columns]),
    )
    _reconcile(
        "Dataset",
        table.num_rows,
        store.upsert_nodes("Dataset", validate(schema.node("Dataset"), table)).total,
    )


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
