"""Leaves driver events out of a graph whose datasets do not name them: no preset was tuned with them.

The rest is as if they had never been loaded, down to the genes and the numbers of the datasets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import schema
from pharmagraph.kg.heterograph.container import EdgeType
from pharmagraph.kg.store import GraphStore

KINDS = ("MUTATED", "COPY_NUMBER")
"""Edge kinds of driver events; their tables need the column ``driver``."""

_OF_ANY_GENE = frozenset({"INTERACTS_WITH", "HOMOLOGOUS", "DEPENDS_ON", "MEMBER_OF"})
"""Kinds that are loaded for whatever genes the graph has: a gene with these alone is there for another reason."""

_COLUMNS = ["dst", "dataset", "driver"]
_ENDS = ("CellLine", "Gene")


@dataclass(frozen=True)
class Rest:
    """A graph without driver events.

    Attributes
    ----------
    edges
        Edge type → table.
    genes
        Genes that are kept, bool (n,): all but those that are in the graph for their driver events alone.
    datasets
        Ids of the datasets, without those that have nothing but driver events.
    """

    edges: dict[EdgeType, pa.Table]
    genes: npt.NDArray[np.bool_]
    datasets: tuple[str, ...]


def leave_out(
    store: GraphStore,
    genes: pa.Table,
    edges: Mapping[EdgeType, pa.Table],
    datasets: tuple[str, ...],
    named: Collection[str] | None,
    measured: Collection[str],
) -> Rest:
    """Leave out driver events, unless their dataset is named.

    Parameters
    ----------
    genes
        Table of all genes.
    edges
        Edge type → table with ``src``, ``dst``, ``dataset``, and ``driver`` where it is one of `KINDS`; of the named
        datasets only, if any is.
    datasets
        Ids of all datasets.
    named
        The datasets that were asked for; None for all, which names none.
    measured
        Ids of the genes in profiles, which are there for these.
    """
    others = sorted(set(datasets) - set(named)) if named is not None else []
    left = dict(edges)
    events = []
    for kind in KINDS:
        key = (_ENDS[0], kind, _ENDS[1])
        if named is None:
            is_driver = pc.fill_null(edges[key]["driver"], False)
            events.append(edges[key].filter(is_driver).select(_COLUMNS))
            left[key] = edges[key].filter(pc.invert(is_driver))
        elif others:
            unnamed = store.read_edges(kind, _ENDS, _COLUMNS, equals={"dataset": others})
            events.append(unnamed.filter(pc.fill_null(unnamed["driver"], False)))
    if not sum(table.num_rows for table in events):
        return Rest(left, np.ones(genes.num_rows, bool), datasets)
    drivers = pa.concat_tables(events)
    unused = set(pc.unique(drivers["dataset"]).to_pylist())
    for table in left.values():
        unused -= set(pc.unique(table["dataset"]).to_pylist())
    bare = np.array(pc.is_in(genes["id"], pc.unique(drivers["dst"])))
    bare &= ~np.array(pc.is_in(genes["id"], pa.array(sorted(measured), pa.string())))
    for edge_type, table in left.items():
        if edge_type[1] not in _OF_ANY_GENE:
            bare &= ~_touched(genes, edge_type, table)
    bare &= ~_touched_by(store, others, genes, bare)
    return Rest(left, ~bare, tuple(id_ for id_ in datasets if id_ not in unused))


def _touched(genes: pa.Table, edge_type: EdgeType, edges: pa.Table) -> npt.NDArray[np.bool_]:
    touched = np.zeros(genes.num_rows, bool)
    for end, label in (("src", edge_type[0]), ("dst", edge_type[2])):
        if label == "Gene":
            touched |= np.array(pc.is_in(genes["id"], pc.unique(edges[end])))
    return touched


def _touched_by(
    store: GraphStore, datasets: list[str], genes: pa.Table, among: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which genes, of some, have an edge of some datasets that is no driver event."""
    touched = np.zeros(genes.num_rows, bool)
    ids = genes["id"].filter(pa.array(among)).to_pylist()
    if not datasets or not ids:
        return touched
    for kind, ends in schema.edge_tables():
        for end, label in zip(("src", "dst"), ends, strict=True):
            if kind.base and label == "Gene" and kind.type not in _OF_ANY_GENE:
                columns = ["src", "dst", *(["driver"] if kind.type in KINDS else [])]
                table = store.read_edges(kind.type, ends, columns, equals={"dataset": datasets, end: ids})
                if kind.type in KINDS:
                    table = table.filter(pc.invert(pc.fill_null(table["driver"], False)))
                touched |= _touched(genes, (ends[0], kind.type, ends[1]), table)
    return touched
