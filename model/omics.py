"""What is known of cell lines, one kind at a time: a heterograph from which the other kinds are taken out."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from kg.heterograph import Heterograph

OMICS = ("expression", "mutation", "copy-number", "tissue")

_EDGES = {
    "expression": (("CellLine", "EXPRESSES", "Gene"), ("CellLine", "SIMILAR_TO", "CellLine")),
    "mutation": (("CellLine", "MUTATED", "Gene"),),
    "copy-number": (("CellLine", "COPY_NUMBER", "Gene"),),
    "tissue": (),
}
"""Similarities of cell lines are made of expression, so they go with it."""


def with_omics(heterograph: Heterograph, kept: Sequence[str]) -> Heterograph:
    """The same nodes, drugs and responses; of omics only those named in ``kept``, some of `OMICS`."""
    graph = heterograph.graph.clone()
    for kind in OMICS:
        if kind in kept:
            continue
        for edge_type in _EDGES[kind]:
            graph.remove_edges(graph.edges(form="eid", etype=edge_type), etype=edge_type)
        if kind == "tissue":
            tissue = graph.nodes["CellLine"].data["tissue"]
            graph.nodes["CellLine"].data["tissue"] = torch.full_like(tissue, -1)
    return Heterograph(graph, heterograph.ids, heterograph.datasets, heterograph.tissues)
