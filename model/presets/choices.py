"""The words that a preset, a command or a caller of the library may choose from; imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pharmagraph.kg.layers import LAYERS

Task = Literal["classification", "regression"]
"""Sensitive or resistant, or ln IC50."""

Convolution = Literal["gatv2", "gat", "gcn", "transformer", "none"]
"""How messages are weighted."""


class Split(StrEnum):
    """What a held-out fold is made of."""

    none = "none"
    random = "random"
    unseen_drug = "unseen-drug"
    unseen_cell = "unseen-cell"
    unseen_both = "unseen-both"
    unseen_tissue = "unseen-tissue"
    transfer = "transfer"

    @property
    def of_unseen(self) -> bool:
        """Whether whole drugs or whole cell lines are held out."""
        return self.of_unseen_drugs or self.of_unseen_cell_lines

    @property
    def of_unseen_drugs(self) -> bool:
        """Whether whole drugs are held out."""
        return self in {Split.unseen_drug, Split.unseen_both}

    @property
    def of_unseen_cell_lines(self) -> bool:
        """Whether whole cell lines are held out."""
        return self in {Split.unseen_cell, Split.unseen_both, Split.unseen_tissue}

    @property
    def asked_as(self) -> Split:
        """The split for which a model is fitted.

        For ``transfer`` pairs of another data set count as random pairs, and for ``unseen-tissue`` the held-out cell
        lines as unseen ones, of which whole tissues are together (`responses.groups.Groups.of_split`).
        """
        return {Split.transfer: Split.random, Split.unseen_tissue: Split.unseen_cell}.get(self, self)


TrainingSplit = Literal[
    Split.none, Split.random, Split.unseen_drug, Split.unseen_cell, Split.unseen_both, Split.unseen_tissue
]  # fmt: skip
"""Of a training run: a data set to transfer to is for evaluations alone."""

EvaluatedSplit = Literal[
    Split.random, Split.unseen_drug, Split.unseen_cell, Split.unseen_both, Split.unseen_tissue, Split.transfer
]  # fmt: skip
"""Of an evaluation: something has to be held out."""


class DrugGroups(StrEnum):
    """Drugs that are held out together."""

    twins = "twins"
    scaffold = "scaffold"
    alone = "alone"


class CellLineGroups(StrEnum):
    """Cell lines that are held out together."""

    twins = "twins"
    tissue = "tissue"
    alone = "alone"


OMICS = (*(layer.option for layer in LAYERS), "tissue")
"""What may be known of cell lines: every layer of `kg.layers`, and the tissue."""


class Holdout(StrEnum):
    """What a held-out fold of known targets is made of."""

    pair = "pair"
    pair_with_twins = "pair-with-twins"
    drug = "drug"
    gene = "gene"
