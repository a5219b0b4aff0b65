"""Keeps driver events of cell lines in a graph whatever data sets it is made of: models read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import Subgraph, present_edges

if TYPE_CHECKING:
    from pharmagraph.kg.heterograph.container import EdgeType  # which loads torch

KINDS = ("MUTATED", "COPY_NUMBER")
"""Edge kinds of driver events; their tables need the column ``driver``."""

_ENDS = ("CellLine", "Gene")


def with_drivers(store: GraphStore, part: Subgraph) -> Mapping[EdgeType, pa.Table]:
    """The edges of a part of the graph, and the driver events that other data sets brought."""
    edges = dict(part.edges)
    others = sorted(set(part.dataset_ids) - set(part.wanted)) if part.wanted is not None else []
    for kind in KINDS if others else ():
        key = (_ENDS[0], kind, _ENDS[1])
        columns = edges[key].column_names
        unnamed = present_edges(store, kind, _ENDS, columns, equals={"dataset": others})
        events = unnamed.filter(pc.fill_null(unnamed["driver"], False))
        edges[key] = pa.concat_tables([edges[key], events.select(columns)])
    return edges
