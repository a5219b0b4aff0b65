"""What datasets brought to a graph, and their removal: only what no other dataset has or refers to goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import history
from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.ingest_kind import REMOVE
from pharmagraph.kg.layers import layer
from pharmagraph.kg.profiles import PANEL, PROFILE
from pharmagraph.kg.schema import Ends, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore

ENTITIES = ("Drug", "Gene", "CellLine", "Pathway", "Metabolite")
"""Labels whose nodes several datasets may share."""

Ids = dict[str, set[str]]
"""Label → ids."""


@dataclass(frozen=True)
class Removal:
    """What a removal took out of a graph.

    Attributes
    ----------
    datasets
        Ids of the datasets.
    rows
        One a kind that lost something: ``kind``, ``removed`` and ``left``. Edges of runs to removed nodes count.
    runs
        Ids of the runs that were trained on responses of the datasets.
    """

    datasets: tuple[str, ...]
    rows: tuple[dict[str, str | int], ...]
    runs: tuple[str, ...]


def remove(store: GraphStore, datasets: Sequence[str]) -> Removal:
    """Take datasets out of a graph, in one step.

    Their edges, similarities and profiles go, and of their nodes those that no other dataset brought or refers to.
    Nodes that stay keep their properties. Similarities of other datasets were made of their own data, and stay.

    Parameters
    ----------
    store
        Open for writing.
    datasets
        Ids.

    Raises
    ------
    NotFoundError
        If the graph has no such dataset; the message names those there are.
    InputError
        If a dataset is left whose omics and similarities would go.
    """
    cards = store.node_rows("Dataset", ["id", "part_of"]) if store.schema_version() is not None else []
    known = [card["id"] for card in cards]
    wanted = list(dict.fromkeys(datasets))
    for dataset in wanted:
        if dataset not in known:
            there = f"there are {', '.join(known)}" if known else "there are none"
            raise NotFoundError("dataset", dataset, known, instead=there)
    parts = [card["id"] for card in cards if card["part_of"] in wanted and card["id"] not in wanted]
    if parts:
        whole = next(card["part_of"] for card in cards if card["id"] == parts[0])
        raise InputError(
            f"{', '.join(parts)} would lose omics and similarities, which are those of {whole}; "
            f"remove them together: cli ingest remove {' '.join([*wanted, *parts])}"
        )
    before = store.counts()
    brought, held = _of(store, wanted)
    doomed = {label: sorted(brought[label] - held[label]) for label in ENTITIES}
    of_them = {
        label: [row["id"] for row in store.node_rows(label, ["id", "dataset"]) if row["dataset"] in wanted]
        for label in (PANEL, PROFILE)
    }
    edges = [
        (kind.type, ends, {"dataset": wanted})
        for kind, ends in edge_tables()
        if kind.base and before[edge_count_key(kind.type, ends)]
    ]
    store.remove(edges, {**doomed, **of_them, "Dataset": wanted})
    after = store.counts()
    lost = {key: before[key] - after[key] for key in before if before[key] > after[key]}
    history.record(store, REMOVE, wanted, {key: {"removed": n} for key, n in lost.items()})
    return Removal(
        tuple(wanted),
        tuple({"kind": key, "removed": n, "left": after[key]} for key, n in lost.items()),
        tuple(
            row["id"]
            for row in store.node_rows("Run", ["id", "datasets"])
            if not set(wanted).isdisjoint(row["datasets"] or ())
        ),
    )


def orphans(store: GraphStore, candidates: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Those of some nodes to which nothing refers, and which no dataset brought without joining them to anything."""
    if not any(candidates.values()):
        return {}
    _, held = _of(store, ())
    return {label: sorted(set(ids) - held[label]) for label, ids in candidates.items()}


def _of(store: GraphStore, datasets: Collection[str]) -> tuple[Ids, Ids]:
    """The nodes that some datasets brought or refer to, and those of all others."""
    brought, held = _none(), _none()
    named = pa.array(datasets, pa.string())
    counts = store.counts()
    for kind, ends in edge_tables():
        if not kind.base or not counts[edge_count_key(kind.type, ends)]:
            continue
        table = store.read_edges(kind.type, ends, ["src", "dst", "dataset"])
        theirs = pc.is_in(table["dataset"], value_set=named)
        add_ends(brought, ends, table.filter(theirs))
        add_ends(held, ends, table.filter(pc.invert(theirs)))
    for row in store.node_rows(PANEL, ["dataset", "kind", "genes"]):
        (brought if row["dataset"] in datasets else held)[layer(row["kind"]).features].update(row["genes"])
    for row in store.node_rows(PROFILE, ["dataset", "cell_line"]):
        (brought if row["dataset"] in datasets else held)["CellLine"].add(row["cell_line"])
    present = {row["id"] for row in store.node_rows("Dataset", ["id"])}
    for row in history.entries(store):
        left = present.intersection(row["datasets"]) - set(datasets)
        for text in row["alone"] or ():
            label, _, id_ = text.partition(":")
            (held if left else brought)[label].add(id_)
    return brought, held


def add_ends(found: Ids, ends: Ends, table: pa.Table) -> None:
    """Add the ids at both ends of edges."""
    for column, label in zip(("src", "dst"), ends, strict=True):
        found.setdefault(label, set()).update(pc.unique(table[column]).to_pylist())


def _none() -> Ids:
    return {label: set() for label in ENTITIES}
