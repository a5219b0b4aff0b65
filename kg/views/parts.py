"""Nodes and edges of a store, or of a part of it, as Arrow tables of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import curies, subgraph
from pharmagraph.kg.copy import edge_blocks
from pharmagraph.kg.profiles import PANEL, PROFILE
from pharmagraph.kg.schema import NODES, EdgeKind, Ends, NodeKind, Property, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, NODE_TYPES, Choice, Subgraph

ROWS = 25_000
"""Most edges in a table of `Part.edges`; text made of them takes some 20 MB."""


NAMED = (curies.CURIE, curies.XREFS)
"""Properties that views add to those of every node."""


def columns(kind: NodeKind) -> tuple[Property, ...]:
    """The columns of the tables of `Part.nodes`."""
    return (*kind.columns, *NAMED)


def shown(kind: NodeKind, table: pa.Table) -> pa.ChunkedArray:
    """What tools are to show of each node: its name or, as of genes, whose name is long, its id."""
    if "name" not in table.column_names or kind.label == "Gene":
        return table["id"]
    return pc.coalesce(table["name"], table["id"])


class Part:
    """What a choice keeps of a store; of Dataset nodes always all.

    Parameters
    ----------
    store
        An open store.
    choice
        The part; an edge is kept with both of its ends, those of runs, too.

    Raises
    ------
    NotFoundError
        If a name of the choice is not in the store.
    InputError
        If nothing is left of the store.
    """

    def __init__(self, store: GraphStore, choice: Choice = EVERYTHING) -> None:
        self._store = store
        self._chosen, self._runs = None, subgraph.runs(store, choice)
        if not choice.is_everything:
            self._chosen = subgraph.choose(subgraph.read(store, choice), choice)

    def nodes(self) -> Iterator[tuple[NodeKind, pa.Table]]:
        """Every label that views show, with its nodes and their CURIEs, ordered by id."""
        yield from self._nodes([kind for kind in NODES if kind.in_views], named=True)

    def tables(self, *, named: bool = False) -> Iterator[tuple[NodeKind, pa.Table]]:
        """Every label with its nodes, profiles of the kept cell lines among them, ordered by id.

        With ``named``, nodes that views show have their CURIEs.
        """
        yield from self._nodes(NODES, named=named)

    def _nodes(self, kinds: Sequence[NodeKind], *, named: bool) -> Iterator[tuple[NodeKind, pa.Table]]:
        for kind in kinds:
            table = self._store.read_nodes(kind.label)
            if named and kind.in_views:  # of all nodes, so that a part names them as the whole does
                table = _named(kind, table)
            if self._chosen is not None and kind.label == "Run" and self._runs is not None:
                table = table.filter(pc.is_in(table["id"], pa.array(self._runs, pa.string())))
            elif self._chosen is not None and kind.label in NODE_TYPES:
                table = table.filter(pc.is_in(table["id"], self._chosen.kept_ids(kind.label)))
            elif self._chosen is not None and kind.label in (PANEL, PROFILE):
                table = self._of_profiles(table, self._chosen)
            yield kind, table

    @staticmethod
    def _of_profiles(table: pa.Table, chosen: Subgraph) -> pa.Table:
        """Profiles of the kept cell lines, or panels, of the chosen data sets."""
        if "cell_line" in table.column_names:
            table = table.filter(pc.is_in(table["cell_line"], chosen.kept_ids("CellLine")))
        kept = [
            chosen.has_profile(d, k)
            for d, k in zip(*(table[c].to_pylist() for c in ("dataset", "kind")), strict=True)
        ]
        return table.filter(pa.array(kept, pa.bool_()))

    def edges(self) -> Iterator[tuple[EdgeKind, Ends, pa.Table]]:
        """Edges in tables of at most `ROWS`, ordered by kind, source and target."""
        counts = self._store.counts()
        for kind, ends in edge_tables():
            for block in self._blocks(kind, ends, counts[edge_count_key(kind.type, ends)]):
                for start in range(0, block.num_rows, ROWS):
                    yield kind, ends, block.slice(start, ROWS)

    def _blocks(self, kind: EdgeKind, ends: Ends, count: int) -> Iterator[pa.Table]:
        if self._chosen is None:
            yield from edge_blocks(self._store, kind.type, ends, edges=count)
            return
        sources, targets = (self._chosen.kept_ids(label) for label in ends)
        blocks = edge_blocks(
            self._store,
            kind.type,
            ends,
            edges=count,
            sources=sources.to_pylist(),
            equals=self._chosen.dataset_filter(kind) | self._of_runs(kind),
        )
        for block in blocks:
            yield block.filter(pc.is_in(block["dst"], targets))

    def _of_runs(self, kind: EdgeKind) -> dict[str, list[str]]:
        return {} if kind.base or self._runs is None else {"run_id": self._runs}


def _named(kind: NodeKind, table: pa.Table) -> pa.Table:
    """The table with the columns `NAMED`."""
    found = curies.of_nodes(kind.label, table.select(curies.columns(kind.label)).to_pylist())
    return table.append_column(curies.CURIE.name, pa.array([c[0] for c in found], pa.string())).append_column(
        curies.XREFS.name, pa.array([c[1:] or None for c in found], pa.list_(pa.string()))
    )
