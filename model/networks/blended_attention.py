"""Attention of a network of several parts: each part's own, counted by the part's share in the prediction.

The relational and the axial part have softmaxes. The Gaussian process has none, but its mean is a sum of what entities
draw from each other (`Contributions`): the size of a term is how much it attends. A part without a
share is no account of the prediction, and its attention does not count.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.networks.gaussian_process import Contributions
from pharmagraph.model.responses.visible import Visible

Weighted = tuple[Edges, Tensor]
"""Edges, and weights (n_edges,) that sum to 1 a destination."""

SIMILAR = ("drug_from_drug", "cell_line_from_cell_line")
OWN_RESPONSES = ("drug_from_sensitive", "drug_from_resistant")


def blended(
    relational: Mapping[str, Weighted],
    axial: Mapping[str, Weighted],
    contributions: Contributions,
    visible: Visible,
    shares: Mapping[str, float],
) -> dict[str, Weighted]:
    """The relational part's attention, with the other parts' where they have any.

    Parameters
    ----------
    relational, axial
        Relation → attention; the axial part's may be empty.
    contributions
        Of the Gaussian process.
    visible
        Says who may send at all, and what was measured.
    component_weights
        Part → its share in the prediction.

    Returns
    -------
    dict
        Between similar nodes every node attends to every other one that has visible responses.
    """
    found = dict(relational)
    sizes = {SIMILAR[0]: contributions.between_drugs(), SIMILAR[1]: contributions.between_cell_lines()}
    for relation, size in sizes.items():
        known = visible.known_drugs if relation == SIMILAR[0] else visible.known_cell_lines
        parts = {
            "gaussian_process": _rows_to_one(
                size * known * ~torch.eye(len(known), dtype=torch.bool, device=size.device)
            )
        }
        for part, attention in (("axial", axial), ("relational", relational)):
            if relation in attention:
                edges, weight = attention[relation]
                parts[part] = torch.zeros_like(size).index_put(
                    (edges.dst, edges.src), weight, accumulate=True
                )
        weight = _rows_to_one(sum(shares[part] * dense for part, dense in parts.items()))  # type: ignore[arg-type]
        dst, src = torch.nonzero(
            known & ~torch.eye(len(known), dtype=torch.bool, device=size.device), as_tuple=True
        )
        found[relation] = (Edges(src, dst, weight[dst, src][:, None]), weight[dst, src])
    own = contributions.from_responses(visible.measured)
    for relation in OWN_RESPONSES:
        if relation not in found:
            continue
        edges, weight = found[relation]
        size = own[edges.src, edges.dst]
        total = size.new_zeros(own.shape[1]).index_add(0, edges.dst, size)[edges.dst]
        both = shares["relational"] * weight + shares["gaussian_process"] * size / total.clamp(min=1e-12)
        found[relation] = (edges, both / max(shares["relational"] + shares["gaussian_process"], 1e-12))
    return found


def _rows_to_one(size: Tensor) -> Tensor:
    return size / size.sum(1, keepdim=True).clamp(min=1e-12)
