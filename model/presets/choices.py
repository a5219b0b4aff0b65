"""The words a user may choose from; imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class TaskOption(StrEnum):
    """What is predicted."""

    classification = "classification"
    regression = "regression"


class ConvOption(StrEnum):
    """How messages are weighted."""

    gatv2 = "gatv2"
    gat = "gat"
    gcn = "gcn"
    transformer = "transformer"
    none = "none"


class SplitOption(StrEnum):
    """What a held-out fold is made of."""

    none = "none"
    random = "random"
    unseen_drug = "unseen-drug"
    unseen_cell = "unseen-cell"
    unseen_both = "unseen-both"


class EvaluatedSplit(StrEnum):
    """What a held-out fold is made of; something has to be held out."""

    random = "random"
    unseen_drug = "unseen-drug"
    unseen_cell = "unseen-cell"
    unseen_both = "unseen-both"
    transfer = "transfer"


class DrugGroupsOption(StrEnum):
    """Drugs that are held out together."""

    twins = "twins"
    scaffold = "scaffold"
    alone = "alone"


class CellGroupsOption(StrEnum):
    """Cell lines that are held out together."""

    twins = "twins"
    tissue = "tissue"
    alone = "alone"


class OmicsOption(StrEnum):
    """What is known of cell lines, as `model.inputs.edits.OMICS` has it."""

    expression = "expression"
    mutation = "mutation"
    copy_number = "copy-number"
    tissue = "tissue"


Task = Literal["classification", "regression"]


class Split(StrEnum):
    """What a held-out fold is made of."""

    none = "none"
    random = "random"
    unseen_drug = "unseen-drug"
    unseen_cell = "unseen-cell"
    unseen_both = "unseen-both"
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
        return self in {Split.unseen_cell, Split.unseen_both}


class HoldoutOption(StrEnum):
    """What a held-out fold of known targets is made of."""

    pair = "pair"
    pair_with_twins = "pair-with-twins"
    drug = "drug"
    gene = "gene"


class Holdout(StrEnum):
    """What a held-out fold of known targets is made of."""

    pair = "pair"
    pair_with_twins = "pair-with-twins"
    drug = "drug"
    gene = "gene"


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
