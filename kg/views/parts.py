"""Nodes and edges of a store, or of a part of it, as Arrow tables of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import subgraph
from pharmagraph.kg.copy import edge_blocks
from pharmagraph.kg.profiles import PANEL, PROFILE
from pharmagraph.kg.schema import NODES, EdgeKind, Ends, NodeKind, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, NODE_TYPES, Choice, Subgraph

ROWS = 25_000
"""Most edges in a table of `Part.edges`; text made of them takes some 20 MB."""


class Part:
    """What a choice keeps of a store; of Dataset and Run nodes always all.

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
        self._chosen = None
        if not choice.is_everything:
            self._chosen = subgraph.choose(subgraph.read(store, choice), choice)

    def nodes(self) -> Iterator[tuple[NodeKind, pa.Table]]:
        """Every label that views show, with its nodes, ordered by id."""
        yield from self._nodes([kind for kind in NODES if kind.in_views])

    def tables(self) -> Iterator[tuple[NodeKind, pa.Table]]:
        """Every label with its nodes, profiles of the kept cell lines among them, ordered by id."""
        yield from self._nodes(NODES)

    def _nodes(self, kinds: Sequence[NodeKind]) -> Iterator[tuple[NodeKind, pa.Table]]:
        for kind in kinds:
            table = self._store.read_nodes(kind.label)
            if self._chosen is not None and kind.label in NODE_TYPES:
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
            equals=self._chosen.dataset_filter(kind),
        )
        for block in blocks:
            yield block.filter(pc.is_in(block["dst"], targets))
