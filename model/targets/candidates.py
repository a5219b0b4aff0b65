"""The genes that a drug may attend to: every gene that any evidence reaches."""

from __future__ import annotations

import numpy as np

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.candidates import genes_with_signal
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.targets.gene_relations import edges_of

REACHED_BY = (
    ("Drug", "TARGETS", "Gene"),
    ("Gene", "HOMOLOGOUS", "Gene"),
    ("Gene", "INTERACTS_WITH", "Gene"),
    ("Gene", "MEMBER_OF", "Pathway"),
    ("CellLine", "DEPENDS_ON", "Gene"),
    ("CellLine", "MUTATED", "Gene"),
    ("CellLine", "COPY_NUMBER", "Gene"),
)
"""Edges that make a gene a candidate. These sources tell of protein-coding genes; expression tells of others, too."""


def candidate_genes(heterograph: Heterograph, tensors: GraphTensors, n_expressed: int) -> np.ndarray:
    """Genes with an edge of a kind in ``REACHED_BY``, and the genes with most expression signal.

    Known targets that are held out are among them: only a candidate can be found.

    Parameters
    ----------
    heterograph, tensors
        The graph.
    n_expressed
        Number of genes by the sum of squared z over cell lines; ties go to the smaller number.

    Returns
    -------
    ndarray
        Node numbers, ascending, int64.
    """
    found = [genes_with_signal(tensors.expression.cpu(), n_expressed).numpy()]
    for src, kind, dst in REACHED_BY:
        edges = edges_of(heterograph, src, kind, dst)
        if edges is not None:
            found += [end.numpy() for end, label in ((edges.src, src), (edges.dst, dst)) if label == "Gene"]
    return np.unique(np.concatenate(found)).astype(np.int64)
