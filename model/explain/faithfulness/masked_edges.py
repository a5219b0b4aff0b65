"""What faithfulness asks of a run's edges, however the network uses them, and what a ranking of edges is.

`message_edges` and `process_edges` fulfil the protocol; `measure` compares rankings through it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Kept = Mapping[str, np.ndarray]
"""Relation → mask of the edges that stay, bool (n_edges,); of a relation that is not named all edges stay."""

Importance = Mapping[str, np.ndarray]
"""Relation → importance of its edges, (n_edges,), larger for more important ones."""

GENES = "drug_from_gene"
"""The relation whose edges join drugs and genes."""


@dataclass(frozen=True)
class Ranking:
    """One ranking of the edges of one relation, or of several relations whose edges are removed together.

    Attributes
    ----------
    name
        As the rows show it.
    relations
        Whose edges it ranks.
    importance
        Computes it; the generator is for rankings that have a random part.
    """

    name: str
    relations: tuple[str, ...]
    importance: Callable[[np.random.Generator], Importance]


class MaskedEdges(Protocol):
    """Edges of a fitted run that can be masked, and the predictions that the others make."""

    @property
    def ends(self) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """Relation → nodes that attend, and nodes that they attend to: node numbers, int64 (n_edges,)."""

    def predict(self, kept: Kept) -> np.ndarray:
        """Logits of training pairs (in regression standardised ln IC50) from the kept edges, (n_pairs,)."""

    def attention(self) -> Importance:
        """The run's attention."""

    def unfitted(self) -> Importance:
        """Attention of networks of the same make with random weights, which were never fitted."""

    def gradients(self, relation: str) -> np.ndarray:
        """Size of the integrated gradients of the predictions by the edges' masks, (n_edges,)."""

    def rankings(self) -> Sequence[Ranking]:
        """The rankings to compare, in the order of the rows."""
