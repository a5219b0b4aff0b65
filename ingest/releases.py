"""Writes one kind of a dataset's release, and keeps, marks or removes what it lacks of the stored one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.datasets import Ids, add_ends
from pharmagraph.kg import changes, history, schema
from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError, StoreError
from pharmagraph.kg.layers import layer
from pharmagraph.kg.profiles import PANEL, PROFILE, Profiles
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import named

Gone = Literal["keep", "mark", "remove"]
"""What becomes of what a new release lacks: left as it is, left with the property ``gone``, or taken out."""

_EXAMPLES = 3


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
        Number of rows of the same datasets that the source no longer has, and that were taken out.
    gone
        Number of those that were left in.
    fate
        What was asked for those.
    marked
        Number of those that were marked by this load.
    examples
        Some of what the source no longer has.
    """

    kind: str
    ends: Ends | None
    change: Change
    removed: int = 0
    gone: int = 0
    fate: Gone = "remove"
    marked: int = 0
    examples: tuple[str, ...] = field(default=(), compare=False)

    @property
    def lost(self) -> int:
        """Number of rows of the same datasets that the source no longer has."""
        return self.removed + self.gone

    @property
    def changed(self) -> bool:
        """Whether the store is another than before."""
        return bool(self.change.inserted or self.change.updated or self.removed or self.marked)


def require_gone(gone: str) -> None:
    """Refuse a word that is none of `Gone`.

    Raises
    ------
    InputError
        Naming those there are.
    """
    if gone not in get_args(Gone):
        raise InputError(f'{named("gone")} "{gone}" is not one of {", ".join(get_args(Gone))}')


def write_edges(
    store: GraphStore,
    type_: str,
    ends: Ends,
    table: pa.Table,
    datasets: Sequence[str],
    *,
    gone: Gone,
    any_marked: bool,
    left: Ids,
) -> Step:
    """Write the edges of a kind that datasets have now.

    Parameters
    ----------
    datasets
        Whose stored edges the table replaces.
    any_marked
        Whether one of them may have edges that are marked as gone; those that are back are so no more.
    left
        Gets the ids at the ends of edges that are taken out.
    """
    before = _held(store, type_, ends, datasets)
    if any_marked:
        table = table.append_column("gone", pa.nulls(table.num_rows, pa.string()))
    change = store.upsert_edges(type_, ends, table)
    reconcile(type_, table.num_rows, change.total)
    n_gone = before - change.updated - change.unchanged
    if not n_gone:
        if change.inserted:
            reconcile(type_, table.num_rows, _held(store, type_, ends, datasets))
        return Step(type_, ends, change)
    kind = schema.edge(type_)
    stored = store.read_edges(type_, ends, [*kind.key, "gone"], equals={"dataset": list(datasets)})
    stale = changes.lacking(stored, changes.incoming_edges(kind, ends, table), kind.key)
    examples = tuple(f"{row['src']}–{row['dst']}" for row in stale.slice(0, _EXAMPLES).to_pylist())
    if gone == "remove":
        add_ends(left, ends, stale)
        # Rewriting the datasets' edges of this kind takes two calls; deleting edges one by one is slow on some engines.
        for dataset in datasets:
            store.delete_edges(type_, ends, equals={"dataset": dataset})
        store.upsert_edges(type_, ends, table)
        reconcile(type_, table.num_rows, _held(store, type_, ends, datasets))
        return Step(type_, ends, change, removed=n_gone, examples=examples)
    marked = store.upsert_edges(type_, ends, _marked(stale, kind.key)).updated if gone == "mark" else 0
    reconcile(type_, table.num_rows + n_gone, _held(store, type_, ends, datasets))
    return Step(type_, ends, change, gone=n_gone, fate=gone, marked=marked, examples=examples)


def write_profiles(store: GraphStore, profiles: Sequence[Profiles], *, gone: Gone, left: Ids) -> list[Step]:
    """Write panels, the profiles that refer to them, and only then remove what the datasets no longer have."""
    tables = {
        PANEL: pa.concat_tables([one.panel_table() for one in profiles]),
        PROFILE: pa.concat_tables([one.table() for one in profiles]),
    }
    change = {label: store.upsert_nodes(label, table) for label, table in tables.items()}
    replaced = {(one.dataset, one.kind) for one in profiles}
    sent = {label: set(table["id"].to_pylist()) for label, table in tables.items()}

    def held(label: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        rows = store.node_rows(label, ["id", "dataset", "kind", *columns])
        return [row for row in rows if (row["dataset"], row["kind"]) in replaced]

    rows = held(PROFILE, ["panel", "cell_line", "gone"])
    stale = [row for row in rows if row["id"] not in sent[PROFILE]]
    kept = [row for row in rows if row["id"] in sent[PROFILE] or gone != "remove"]
    n_marked = 0
    if stale and gone == "remove":
        store.delete_nodes(PROFILE, [row["id"] for row in stale])
        left.setdefault("CellLine", set()).update(row["cell_line"] for row in stale)
    elif gone == "mark" and (unmarked := [row["id"] for row in stale if not row["gone"]]):
        marked = pa.table({"id": unmarked, "gone": [history.now()] * len(unmarked)})
        n_marked = store.upsert_nodes(PROFILE, marked).updated
    panels = sent[PANEL] | {row["panel"] for row in kept}
    unused = [row for row in held(PANEL, ["genes"]) if row["id"] not in panels]
    if unused:
        store.delete_nodes(PANEL, [row["id"] for row in unused])
        for row in unused:
            left.setdefault(layer(row["kind"]).features, set()).update(row["genes"])
    for label, there in ((PROFILE, rows), (PANEL, held(PANEL, []))):
        reconcile(label, tables[label].num_rows, change[label].total)
        reconcile(label, tables[label].num_rows, len(sent[label].intersection(row["id"] for row in there)))
    examples = tuple(row["cell_line"] for row in stale[:_EXAMPLES])
    step = Step(PROFILE, None, change[PROFILE], removed=len(stale), examples=examples)
    if gone != "remove":
        step = replace(step, removed=0, gone=len(stale), fate=gone, marked=n_marked)
    return [step, Step(PANEL, None, change[PANEL], removed=len(unused))]


def reconcile(kind: str, sent: int, held: int) -> None:
    """Refuse to go on where a store does not hold what was sent.

    Raises
    ------
    StoreError
        With both numbers.
    """
    if sent != held:
        raise StoreError(
            f"{kind}: {sent:,} rows were sent and the store holds {held:,}; run the same command again, "
            "and if that does not mend it, load into a new store"
        )


def n_marked(store: GraphStore, dataset: str) -> int:
    """Number of a dataset's edges and profiles that are marked as gone."""
    counts = store.counts()
    profiles = store.node_rows(PROFILE, ["dataset", "gone"])
    found = sum(row["dataset"] == dataset and row["gone"] is not None for row in profiles)
    for kind, ends in schema.edge_tables():
        if kind.base and counts[schema.edge_count_key(kind.type, ends)]:
            column = store.read_edges(kind.type, ends, ["gone"], equals={"dataset": dataset})["gone"]
            found += len(column) - column.null_count
    return found


def _marked(stale: pa.Table, key: Sequence[str]) -> pa.Table:
    """Edges with the time of now in ``gone``, unless they have one."""
    stale = stale.filter(pc.is_null(stale["gone"])).select(list(key))
    return stale.append_column("gone", pa.array([history.now()] * stale.num_rows, pa.string()))


def _held(store: GraphStore, type_: str, ends: Ends, datasets: Iterable[str]) -> int:
    rows = store.rows(
        f"MATCH (:{ends[0]})-[r:{type_}]->(:{ends[1]}) WHERE r.dataset IN $datasets RETURN count(r) AS n",
        {"datasets": list(datasets)},
    )
    return int(rows[0]["n"])
