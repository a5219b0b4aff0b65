"""Whether attention says what the network uses: take edges away and watch the prediction.

A ranking of edges is faithful if removing its first ones changes the prediction more than removing random ones, and if
few of its first ones are enough to bring the prediction back. The curves are pure functions of a prediction under a
mask; `delete_genes` applies them to a fitted network's drug–gene edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from kg.errors import ModelError
from model.kernels import Csr
from model.messages import RELATIONS, Messages
from model.training import Fitted

Predict = Callable[[np.ndarray], np.ndarray]
"""Kept edges, bool (n_edges,) → predictions, (n,)."""


@dataclass(frozen=True)
class Curve:
    """Change of the prediction as edges go.

    Attributes
    ----------
    removed
        Numbers of edges, int64 (n_points,).
    ranked
        Mean absolute change with the first edges of the ranking removed (or, for insertion, alone left), (n_points,).
    random
        The same for random edges, mean over draws, (n_points,).
    """

    removed: np.ndarray
    ranked: np.ndarray
    random: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """Ranked over random; NaN where neither changes anything."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.random > 0, self.ranked / self.random, np.nan)


def deletion(
    predict: Predict, order: np.ndarray, counts: Sequence[int], *, n_random: int = 5, seed: int = 0
) -> Curve:
    """Remove the first edges of a ranking, and as many random ones.

    Parameters
    ----------
    predict
        Of the kept edges.
    order
        Edges, the most important first, int64 (n_edges,).
    counts
        How many to remove.
    n_random
        Draws of random edges.
    """
    return _curve(predict, order, counts, n_random, seed, insert=False)


def insertion(
    predict: Predict, order: np.ndarray, counts: Sequence[int], *, n_random: int = 5, seed: int = 0
) -> Curve:
    """Leave nothing but the first edges of a ranking, and nothing but as many random ones; smaller is better."""
    return _curve(predict, order, counts, n_random, seed, insert=True)


def _curve(
    predict: Predict, order: np.ndarray, counts: Sequence[int], n_random: int, seed: int, *, insert: bool
) -> Curve:
    whole = predict(np.ones(len(order), bool))
    random = np.random.default_rng(seed)
    draws = [random.permutation(order) for _ in range(n_random)]

    def change(edges: np.ndarray) -> float:
        kept = np.full(len(order), not insert)
        kept[edges] = insert
        return float(np.abs(predict(kept) - whole).mean())

    return Curve(
        np.array(counts, np.int64),
        np.array([change(order[:k]) for k in counts]),
        np.array([np.mean([change(draw[:k]) for draw in draws]) for k in counts]),
    )


def delete_genes(
    fitted: Fitted,
    drug: int,
    counts: Sequence[int],
    *,
    cell_lines: np.ndarray,
    weight: np.ndarray | None = None,
    n_random: int = 5,
    seed: int = 0,
) -> Curve:
    """Deletion of a drug's gene edges, ranked by attention, from a fitted ensemble.

    Parameters
    ----------
    fitted
        With a relation ``drug_from_gene``.
    drug
        Node number.
    counts
        Edges to remove.
    cell_lines
        Node numbers on which the drug is predicted, int64 (n,).
    weight
        Of the drug's gene edges, to rank by another importance; the ensemble's mean attention unless given.

    Returns
    -------
    Curve
        Of logits, or standardised values: the probability saturates.

    Raises
    ------
    ModelError
        If the network has no such relation, or the drug no gene edge.
    """
    relation = "drug_from_gene"
    if relation not in fitted.messages.edges:
        raise ModelError(
            f"preset {fitted.config.preset} has no relation {relation}; attention to genes is not read"
        )
    rows = torch.nonzero(fitted.messages.edges[relation].dst == drug).flatten().cpu().numpy()
    if not len(rows):
        raise ModelError(f"drug number {drug} attends to no gene in this run")
    if weight is None:
        weight = gene_attention(fitted)[rows]
    pairs = torch.full((len(cell_lines),), drug), torch.from_numpy(np.asarray(cell_lines, np.int64))

    def predict(kept: np.ndarray) -> np.ndarray:
        whole = np.ones(len(fitted.messages.edges[relation]), bool)
        whole[rows[~kept]] = False
        messages = without_edges(fitted, relation, torch.from_numpy(whole))
        with torch.inference_mode():
            outputs = [
                m.network(fitted.tensors, messages, *(p.to(fitted.device) for p in pairs)).blended
                for m in fitted.members
            ]
        logits: np.ndarray = torch.stack(outputs).mean(0).cpu().numpy()
        return logits

    order = np.argsort(-weight, kind="stable")
    return deletion(predict, order, [min(k, len(rows)) for k in counts], n_random=n_random, seed=seed)


def gene_attention(fitted: Fitted) -> np.ndarray:
    """Mean attention over members of all drug–gene edges, in the order of the messages, (n_edges,)."""
    with torch.inference_mode():
        found = [
            m.network.attention(fitted.tensors, fitted.messages)["drug_from_gene"].weight  # type: ignore[operator]
            for m in fitted.members
        ]
    mean: np.ndarray = torch.stack(found).mean(0).cpu().numpy()
    return mean


def without_edges(fitted: Fitted, relation: str, keep: Tensor) -> Messages:
    """The run's messages with some edges of one relation only, by a mask, bool (n_edges,)."""
    edges = fitted.messages.edges[relation].keep(keep.to(fitted.device))
    sizes = {
        "Drug": fitted.tensors.n_drugs,
        "CellLine": fitted.tensors.n_cell_lines,
        "Gene": fitted.tensors.n_genes,
    }
    source, destination = RELATIONS[relation]
    graph = Csr.from_edges(edges.src, edges.dst, sizes[source], sizes[destination])
    messages = fitted.messages
    return replace(
        messages,
        edges={**messages.edges, relation: edges},
        graphs={**messages.graphs, relation: graph},
    )


def rollout(layers: Sequence[sparse.spmatrix], *, residual: float = 0.5) -> sparse.csr_matrix:
    r"""Attention through all layers: where a node's state comes from in the end.

    .. math::
        R = \prod_l \left( r I + (1 - r) A_l \right)

    Abnar and Zuidema, arXiv 2005.00928.

    Parameters
    ----------
    layers
        Of the first layer to the last, each (n, n): row = who draws, column = whom it draws from; rows that draw
        nothing may be zero and keep their own state.
    residual
        r, the share of its own state that a layer keeps.

    Returns
    -------
    scipy.sparse.csr_matrix
        (n, n), rows summing to 1.
    """
    n = layers[0].shape[0]
    total = sparse.identity(n, format="csr")
    for layer in layers:
        drawn = np.asarray(layer.sum(1)).ravel()
        scaled = sparse.diags(np.where(drawn > 0, (1 - residual) / np.where(drawn > 0, drawn, 1), 0)) @ layer
        own = sparse.diags(np.where(drawn > 0, residual, 1.0))
        total = sparse.csr_matrix((own + scaled) @ total)
    return total


def integrated_gradients(
    output: Callable[[Tensor], Tensor], value: Tensor, *, baseline: Tensor | None = None, n_steps: int = 32
) -> Tensor:
    """Gradient attribution along the straight line from a baseline: the opponent of attention.

    Sundararajan, Taly and Yan, arXiv 1703.01365, by the midpoint rule.

    Parameters
    ----------
    output
        Of a tensor like ``value``, a scalar that can be differentiated.
    value, baseline
        Edge weights; the baseline is zero, no edge, unless given.

    Returns
    -------
    Tensor
        Like ``value``; it sums to ``output(value) - output(baseline)`` as the steps become many.
    """
    start = torch.zeros_like(value) if baseline is None else baseline
    total = torch.zeros_like(value)
    for step in range(n_steps):
        at = (start + (value - start) * ((step + 0.5) / n_steps)).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(output(at), at)
        total += gradient
    return (value - start) * total / n_steps


def mean_deletion(
    folder: Path, *, n_drugs: int, counts: Sequence[int] = (1, 2, 5, 10), seed: int = 0
) -> Curve:
    """Deletion of the gene edges of some drugs of a saved run, mean over them; on the cell lines each was trained on.

    Raises
    ------
    ModelError
        If the folder holds no run, or it attends to no genes.
    """
    from model import saved

    fitted = saved.load(folder, saved.load_graph(folder))
    if "drug_from_gene" not in fitted.messages.edges:
        raise ModelError(f"preset {fitted.config.preset} has no relation drug_from_gene; nothing to remove")
    measured = fitted.messages.visible.measured.cpu().numpy()
    n_edges = np.bincount(
        fitted.messages.edges["drug_from_gene"].dst.cpu().numpy(), minlength=measured.shape[1]
    )
    able = np.flatnonzero((n_edges > max(counts)) & measured.any(0))
    if not len(able):
        raise ModelError(
            f"no drug of {folder} has more than {max(counts)} gene edges and a measured response"
        )
    drawn = np.random.default_rng(seed).permutation(able)[:n_drugs]
    weight, dst = gene_attention(fitted), fitted.messages.edges["drug_from_gene"].dst.cpu().numpy()
    curves = [
        delete_genes(
            fitted,
            int(d),
            counts,
            cell_lines=np.flatnonzero(measured[:, d]),
            weight=weight[dst == d],
            seed=seed,
        )
        for d in drawn
    ]
    return Curve(
        np.array(counts),
        np.mean([c.ranked for c in curves], axis=0),
        np.mean([c.random for c in curves], axis=0),
    )
