"""Attention of a network of several components: each component's own, by the component's weight in the prediction.

The relational and the axial component have softmaxes. The Gaussian process has none, but its mean is a sum of
contributions that entities make to each other (`Contributions`): the size of a contribution is how much is attended.
A component with weight 0 does not explain the prediction, so its attention does not count, and a relation in which no
other component attends has no attention at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.networks.contributions import Contributions
from pharmagraph.model.responses.visible import Visible

Weighted = tuple[Edges, Tensor]
"""Edges, and attention coefficients (n_edges,) that sum to 1 over the edges of a destination."""

SIMILAR = ("drug_from_drug", "cell_line_from_cell_line")
OWN_RESPONSES = ("drug_from_sensitive", "drug_from_resistant")


def attending_components(
    relation: str, components: Collection[str], messages: Collection[str]
) -> tuple[str, ...]:
    """The components of a network that attend in a relation, whatever their weights.

    Parameters
    ----------
    relation
        Its name.
    components
        Names of the network's components.
    messages
        Relations in which the network passes messages.
    """
    attending = [c for c in ("relational", "adjacency") if relation in messages]
    if relation in SIMILAR:
        attending += ["axial", "gaussian_process"]
    if relation in OWN_RESPONSES and relation in messages:
        attending += ["gaussian_process"]
    return tuple(c for c in attending if c in components)


def blended(
    relational: Mapping[str, Weighted],
    axial: Mapping[str, Weighted],
    contributions: Contributions | None,
    messages: Messages,
    component_weights: Mapping[str, float],
) -> dict[str, Weighted]:
    """The attention of all components of a relational network that have a weight in the prediction.

    Parameters
    ----------
    relational, axial
        Relation → attention; empty for a network without the component.
    contributions
        Of the Gaussian process; None for a network without one, or where its weight is 0.
    messages
        Their visible responses say which nodes may be attended to, and what was measured.
    component_weights
        Component → its weight in the prediction, for each component of the network.

    Returns
    -------
    dict
        Relation → attention. Relations in which only components of weight 0 attend are absent. With a Gaussian process
        every node attends to every other node of its kind that has visible responses.
    """
    of_relational, visible = component_weights.get("relational", 0.0), messages.visible
    found = dict(relational) if of_relational > 0 else {}
    for relation in SIMILAR:
        between = _between_similar(
            relation, {"axial": axial, "relational": relational}, contributions, visible, component_weights
        )
        if between is not None:
            found[relation] = between
    if contributions is None:
        return found
    of_process = component_weights["gaussian_process"]
    own = contributions.from_responses(visible.measured)
    for relation in OWN_RESPONSES:
        if relation not in messages.edges:
            continue
        edges = messages.edges[relation]
        size = own[edges.src, edges.dst]
        total = size.new_zeros(own.shape[1]).index_add(0, edges.dst, size)[edges.dst]
        both = of_process * size / total.clamp(min=1e-12)
        if relation in found:
            both = both + of_relational * found[relation][1]
        found[relation] = (edges, both / (of_relational + of_process))
    return found


def _between_similar(
    relation: str,
    softmaxes: Mapping[str, Mapping[str, Weighted]],
    contributions: Contributions | None,
    visible: Visible,
    component_weights: Mapping[str, float],
) -> Weighted | None:
    """The blend between similar drugs or cell lines; None if no component that attends there has a weight."""
    known = visible.known_drugs if relation == SIMILAR[0] else visible.known_cell_lines
    given = {
        component: attention[relation]
        for component, attention in softmaxes.items()
        if relation in attention and component_weights.get(component, 0) > 0
    }
    if contributions is None and len(given) < 2:
        return next(iter(given.values()), None)
    others = known & ~torch.eye(len(known), dtype=torch.bool, device=known.device)
    attended = torch.zeros_like(others)
    dense: dict[str, Tensor] = {}
    if contributions is not None:
        size = contributions.between_drugs() if relation == SIMILAR[0] else contributions.between_cell_lines()
        dense["gaussian_process"] = _rows_to_one(size * others)
        attended = others
    for component, (edges, weight) in given.items():
        none = torch.zeros(others.shape, dtype=weight.dtype, device=known.device)
        dense[component] = none.index_put((edges.dst, edges.src), weight, accumulate=True)
        if contributions is None:
            attended = attended.index_put(
                (edges.dst, edges.src), torch.ones_like(edges.dst, dtype=torch.bool)
            )
    first, *rest = (component_weights[c] * weight for c, weight in dense.items())
    blend = _rows_to_one(sum(rest, first))
    dst, src = torch.nonzero(attended, as_tuple=True)
    return Edges(src, dst, blend[dst, src][:, None]), blend[dst, src]


def _rows_to_one(size: Tensor) -> Tensor:
    return size / size.sum(1, keepdim=True).clamp(min=1e-12)
