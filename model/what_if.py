"""What a run would predict if a gene were otherwise in a cell line, or were no target of the drug.

It asks the network, not nature: the answer is what the network has learned to lean on. Beside it stands the same change
of random genes of like variance, so that an effect any gene would have is not taken for this gene's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from kg.errors import InputError, ModelError
from kg.heterograph import Heterograph
from model import saved

EXPRESSES = ("CellLine", "EXPRESSES", "Gene")
MUTATED = ("CellLine", "MUTATED", "Gene")
TARGETS = ("Drug", "TARGETS", "Gene")
LIKE_VARIANCE = 0.05
"""Share of the genes, nearest in variance, among which the null's genes are drawn."""


@dataclass(frozen=True)
class Change:
    """One change of the graph.

    Attributes
    ----------
    gene
        Symbol.
    kind
        ``expression`` in the cell line, ``mutation`` of it there, or ``target``: whether it is a known one of the drug.
    value
        z (standard deviations) for expression, None for the least that any cell line has; 1 or 0 otherwise.
    """

    gene: str
    kind: Literal["expression", "mutation", "target"]
    value: float | None

    def __str__(self) -> str:
        if self.kind == "expression":
            return f"{self.gene} {'silenced' if self.value is None else f'z = {self.value:g}'}"
        if self.kind == "mutation":
            return f"{self.gene} {'mutated' if self.value else 'not mutated'}"
        return f"{self.gene} {'a' if self.value else 'no'} target"


def what_if(
    folder: Path,
    drug: str,
    cell_line: str,
    changes: Sequence[Change],
    *,
    n_null: int = 0,
    seed: int = 0,
    device: str = "cpu",
) -> list[dict[str, Any]]:
    """Predict a pair before and after each change, each from the graph as it is.

    Parameters
    ----------
    folder
        Of the run.
    drug, cell_line
        Ids.
    changes
        One row of the result each.
    n_null
        Random genes of like variance that get the same change of expression; none for other kinds.
    seed
        Of their draw.

    Returns
    -------
    list of dict
        ``change``, ``before``, ``after``, ``difference`` (probability, or ln IC50); with ``n_null`` also ``null_mean``
        and ``null_p``, the share of changes at least as large, this one counted among them.

    Raises
    ------
    ModelError
        If the run's graph lacks the drug, the cell line or a gene, or has no expression of a gene to be silenced.
    """
    graph = saved.load_graph(folder)
    d, c = _position(graph, "Drug", drug), _position(graph, "CellLine", cell_line)
    before = _predict(folder, graph, d, c, device)
    random = np.random.default_rng(seed)
    rows = []
    for change in changes:
        gene = _position(graph, "Gene", change.gene)
        difference = _predict(folder, changed(graph, change, d, c, gene), d, c, device) - before
        row: dict[str, Any] = {
            "change": str(change), "before": before, "after": before + difference, "difference": difference
        }  # fmt: skip
        if n_null:
            row |= {"null_mean": None, "null_p": None}
        if n_null and change.kind == "expression":
            null = np.array(
                [
                    _predict(folder, changed(graph, change, d, c, other), d, c, device) - before
                    for other in _like(graph, gene, n_null, random)
                ]
            )
            at_least = int((np.abs(null) >= abs(difference)).sum())
            row |= {"null_mean": float(null.mean()), "null_p": (1 + at_least) / (1 + len(null))}
        rows.append(row)
    return rows


def changed(heterograph: Heterograph, change: Change, drug: int, cell_line: int, gene: int) -> Heterograph:
    """The graph with one change; the gene is given by number, so that the same change can be made of another.

    Raises
    ------
    ModelError
        If there is nothing to change: a gene without expression is silenced, or no target is taken away.
    """
    graph = heterograph.graph.clone()
    if change.kind == "target":
        there = _edges(graph, TARGETS, drug, gene)
        if change.value and not len(there):
            graph.add_edges(drug, gene, {"dataset": torch.tensor([-1])}, etype=TARGETS)
        elif not change.value:
            if not len(there):
                raise ModelError(f"{change.gene} is no known target of this drug in the run's graph")
            graph.remove_edges(there, etype=TARGETS)
        return Heterograph(graph, heterograph.ids, heterograph.datasets, heterograph.tissues)
    edge_type, feature = (EXPRESSES, "z") if change.kind == "expression" else (MUTATED, "value")
    value = change.value
    if value is None:
        of_gene = graph.edges[edge_type].data[feature][graph.edges(etype=edge_type)[1] == gene]
        if not len(of_gene):
            raise ModelError(f"{change.gene} has no expression in the run's graph; nothing would change")
        value = min(float(of_gene.min()), 0.0)
    there = _edges(graph, edge_type, cell_line, gene)
    if len(there):
        values = graph.edges[edge_type].data[feature].clone()  # a clone of the graph shares its features
        values[there] = float(value)
        graph.edges[edge_type].data[feature] = values
    else:
        features = {feature: torch.tensor([float(value)]), "dataset": torch.tensor([-1])}
        graph.add_edges(cell_line, gene, features, etype=edge_type)
    return Heterograph(graph, heterograph.ids, heterograph.datasets, heterograph.tissues)


def parse_set(text: str) -> Change:
    """``GENE=z`` as a change of expression.

    Raises
    ------
    InputError
        If it is not a symbol, an equals sign and a finite number.
    """
    gene, _, value = text.partition("=")
    try:
        z = float(value)
    except ValueError:
        z = float("nan")
    if not gene or not np.isfinite(z):
        raise InputError(f'--set "{text}": give GENE=z, such as EGFR=-2 (standard deviations)')
    return Change(gene.strip(), "expression", z)


def _predict(folder: Path, graph: Heterograph, drug: int, cell_line: int, device: str) -> float:
    fitted = saved.load(folder, graph, device=device)
    return float(fitted.predict(np.array([drug]), np.array([cell_line]))[0])


def _position(heterograph: Heterograph, kind: str, id_: str) -> int:
    found = np.flatnonzero(heterograph.ids[kind] == id_)
    if not len(found):
        what = {"Drug": "drug", "CellLine": "cell line", "Gene": "gene"}[kind]
        raise ModelError(f"{what} {id_} is not in the run's graph; train again: cli train")
    return int(found[0])


def _edges(graph: Any, edge_type: tuple[str, str, str], src: int, dst: int) -> torch.Tensor:
    sources, targets = graph.edges(etype=edge_type)
    return torch.nonzero((sources == src) & (targets == dst)).flatten()


def _like(heterograph: Heterograph, gene: int, n: int, random: np.random.Generator) -> np.ndarray:
    """Other genes with expression edges, drawn among those nearest in the sum of squared z."""
    graph = heterograph.graph
    genes = graph.edges(etype=EXPRESSES)[1].numpy()
    z = graph.edges[EXPRESSES].data["z"].numpy().astype(np.float64)
    signal = np.bincount(genes, z**2, minlength=graph.num_nodes("Gene"))
    others = np.flatnonzero(signal > 0)
    others = others[others != gene]
    nearest = others[np.argsort(np.abs(signal[others] - signal[gene]), kind="stable")]
    pool = nearest[: max(n, int(LIKE_VARIANCE * len(nearest)))]
    return random.choice(pool, min(n, len(pool)), replace=False)
