"""Attention of a network of several components: the mean of theirs, weighted as they are in the prediction.

The relational and the axial component have softmaxes. The Gaussian process has none, but its mean is a sum over
entities (`Contributions`), and the size of a term is how much it attends there. A component of weight 0 does not
explain the prediction, so its attention does not count.
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
    component_weights: Mapping[str, float],
) -> dict[str, Weighted]:
    """Attention of all components on the edges where several have some, and the relational component's on the others.

    Parameters
    ----------
    relational, axial
        Relation → attention of the component; that of the axial component may be empty.
    contributions
        The prediction of the Gaussian process, as a sum over entities.
    visible
        Entities that may send messages, and pairs that were measured.
    component_weights
        Component → its weight in the prediction.

    Returns
    -------
    dict
        Relation → attention. Between similar nodes every node attends to all others with visible responses.
    """
    found = dict(relational)
    sizes = {SIMILAR[0]: contributions.between_drugs(), SIMILAR[1]: contributions.between_cell_lines()}
    for relation, size in sizes.items():
        known = visible.known_drugs if relation == SIMILAR[0] else visible.known_cell_lines
        dense = {
            "gaussian_process": _rows_to_one(
                size * known * ~torch.eye(len(known), dtype=torch.bool, device=size.device)
            )
        }
        for component, attention in (("axial", axial), ("relational", relational)):
            if relation in attention:
                edges, weight = attention[relation]
                dense[component] = torch.zeros_like(size).index_put(
                    (edges.dst, edges.src), weight, accumulate=True
                )
        zero = torch.zeros_like(size)
        weight = _rows_to_one(sum((component_weights[name] * one for name, one in dense.items()), zero))
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
        of_relational, of_process = component_weights["relational"], component_weights["gaussian_process"]
        both = of_relational * weight + of_process * size / total.clamp(min=1e-12)
        found[relation] = (edges, both / max(of_relational + of_process, 1e-12))
    return found


def _rows_to_one(size: Tensor) -> Tensor:
    return size / size.sum(1, keepdim=True).clamp(min=1e-12)
