"""A heterograph as `networkx.MultiDiGraph`. The whole store with all properties of nodes is `kg.views.to_networkx`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from pharmagraph.kg.heterograph.container import Heterograph

if TYPE_CHECKING:
    import networkx as nx

MINUS_ONE_IS_MISSING = frozenset({"response", "scaffold"})
"""Features of whole numbers; those of floats have NaN where a value is missing."""


def to_networkx(heterograph: Heterograph) -> nx.MultiDiGraph:
    """The same nodes, edges and features for networkx.

    Parameters
    ----------
    heterograph
        As `export` gives it.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes are named ``Kind:id`` and carry ``label`` and ``id``; edges carry ``type``. Both carry their features:
        one number as a number, a row of numbers as an array. Codes of datasets and tissues are replaced by their
        names; what is missing is left out.
    """
    import networkx as nx

    graph = nx.MultiDiGraph()
    texts = {"dataset": heterograph.datasets, "tissue": heterograph.tissues}
    for kind, ids in heterograph.ids.items():
        rows = _rows(heterograph.nodes.get(kind, {}), len(ids), texts)
        graph.add_nodes_from(
            (f"{kind}:{i}", {"label": kind, "id": i, **row}) for i, row in zip(ids, rows, strict=True)
        )
    for edge_type, relation in heterograph.relations.items():
        src_kind, type_, dst_kind = edge_type
        src = heterograph.ids[src_kind][relation.src.numpy()]
        dst = heterograph.ids[dst_kind][relation.dst.numpy()]
        rows = _rows(relation.features, len(relation), texts)
        graph.add_edges_from(
            (f"{src_kind}:{s}", f"{dst_kind}:{d}", {"type": type_, **row})
            for s, d, row in zip(src, dst, rows, strict=True)
        )
    return graph


def _rows(features: Mapping[str, Tensor], n: int, texts: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """For each of n nodes or edges, those of its features that are not missing."""
    rows: list[dict[str, Any]] = [{} for _ in range(n)]
    for name, values in features.items():
        for row, value in zip(rows, values.numpy(), strict=True):
            if value.ndim:
                row[name] = value
            elif name in texts:
                if value >= 0:
                    row[name] = texts[name][value]
            elif not (name in MINUS_ONE_IS_MISSING and value == -1) and not np.isnan(value):
                row[name] = value.item()
    return rows
