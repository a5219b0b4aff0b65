"""The plan of an evaluation: what is held out, how models are fitted, and which pairs no model can predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.wording import named, option
from pharmagraph.model.inputs.edits import with_omics
from pharmagraph.model.inputs.tensors import (
    GraphTensors,
    cell_lines_without_features,
    drugs_without_features,
)
from pharmagraph.model.presets.by_dataset import fitting_preset
from pharmagraph.model.presets.choices import CellLineGroups, DrugGroups, Split, Task
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses, dataset_name, responses
from pharmagraph.model.responses.splits import Fold, folds, transfer

Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The plan of an evaluation.

    Attributes
    ----------
    split, n_folds
        How pairs are held out; ``transfer`` has one fold.
    drug_groups, cell_line_groups
        Which entities are held out together.
    train_on, test_on
        Ids of the data sets of ``transfer``.
    task, seed, device
        As in `model.training.fit`.
    changes
        Options of presets to replace: ``{"network": {...}, "training": {...}}``.
    omics
        The kinds of omics that models are given (`model.presets.choices.OMICS`); by default all. Folds and near twins
        do not depend on it.
    """

    split: Split
    n_folds: int = 5
    drug_groups: DrugGroups = DrugGroups.twins
    cell_line_groups: CellLineGroups = CellLineGroups.twins
    train_on: str | None = None
    test_on: str | None = None
    task: Task = "classification"
    seed: int = 0
    device: str = "cpu"
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    omics: tuple[str, ...] | None = None

    def key(self, heterograph: Heterograph) -> Row:
        """The values in which a finished fold must agree to be used again."""
        seen = {} if self.omics is None else {"omics": list(self.omics)}
        return seen | {
            "dataset": self.dataset(heterograph), "split": self.split.value, "folds": self.n_folds,
            "drug_groups": self.drug_groups.value, "cell_line_groups": self.cell_line_groups.value,
            "train_on": self.train_on, "test_on": self.test_on, "task": self.task, "seed": self.seed,
            "data": heterograph.fingerprint(), "changes": {k: dict(v) for k, v in self.changes.items() if v},
        }  # fmt: skip

    def dataset(self, heterograph: Heterograph) -> str:
        """Name of the data set in rows."""
        if self.split is Split.transfer:
            return f"{self.train_on} → {self.test_on}"
        return dataset_name(heterograph)

    @property
    def asked_as(self) -> Split:
        """The split for which models are fitted (`Split.asked_as`)."""
        return self.split.asked_as

    def config(self, heterograph: Heterograph, preset: str) -> Config:
        """The options of a preset with the plan's changes; ``drgt`` has those for the data set that is trained on."""
        dataset = self.train_on or dataset_name(heterograph)
        return load_preset(fitting_preset(preset, dataset), **self.options())

    def options(self) -> dict[str, dict[str, Any]]:
        """The changes to presets, for `model.presets.config.load_preset`."""
        return {part: dict(changed) for part, changed in self.changes.items()}

    def cut(self, heterograph: Heterograph) -> tuple[Responses, list[Fold]]:
        """The measured pairs and the folds over them."""
        if self.split is Split.transfer:
            if not self.train_on or not self.test_on:
                raise ModelError(
                    f"{option('split', 'transfer')} needs {named('train_on')} and {named('test_on')}, "
                    "the ids of two data sets"
                )
            measured, fold = transfer(heterograph, self.task, train_on=self.train_on, test_on=self.test_on)
            return measured, [fold]
        measured = responses(heterograph, self.task)
        groups = self._alike(heterograph)
        return measured, list(folds(measured, heterograph, self.split, self.n_folds, groups=groups))

    def seen(self, heterograph: Heterograph) -> Heterograph:
        """The graph that models are given, with the chosen omics alone."""
        return with_omics(heterograph, self.omics)

    def groups(self, heterograph: Heterograph) -> Groups:
        """Groups of entities that are held out together in inner folds, as in the folds."""
        return self._alike(heterograph).of_split(heterograph, self.split)

    def _alike(self, heterograph: Heterograph) -> Groups:
        return Groups.of(heterograph, self.drug_groups, self.cell_line_groups)


@dataclass(frozen=True)
class Unpredictable:
    """Held-out pairs of a drug or a cell line that no model can predict, and the reason; their prediction is empty."""

    drug: str | None
    cell_line: str | None
    pairs: int
    reason: str


def unpredictable_pairs(
    heterograph: Heterograph, tensors: GraphTensors, measured: Responses, fold: Fold
) -> tuple[np.ndarray, list[Unpredictable]]:
    """Which held-out pairs cannot be predicted, since nothing is known of an end, bool (n_test,), and why."""
    test, train = measured.take(fold.test), measured.take(fold.train)
    mask = np.zeros(len(test.drug), bool)
    found = []
    for label, at, fitted, without, reason in (
        (
            "Drug", test.drug, train.drug, drugs_without_features(heterograph, tensors),
            "no structure, no similar drug and no training pair",
        ),
        (
            "CellLine", test.cell_line, train.cell_line, cell_lines_without_features(heterograph, tensors),
            "no omics, no similar cell line and no training pair",
        ),
    ):  # fmt: skip
        ids = heterograph.ids[label]
        unseen = np.isin(ids, without) & ~np.isin(np.arange(len(ids)), fitted)
        mask |= unseen[at]
        for n in np.unique(at[unseen[at]]):
            id_, pairs = str(ids[n]), int((at == n).sum())
            drug, cell_line = (id_, None) if label == "Drug" else (None, id_)
            found.append(Unpredictable(drug, cell_line, pairs, reason))
    return mask, found
