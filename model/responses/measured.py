"""Measured responses as arrays of drug–cell-line pairs, read from a heterograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.responses.censoring import Bounds


def dataset_name(heterograph: Heterograph) -> str:
    """Ids of the datasets that have responses in the graph, joined by ``+``."""
    codes = np.unique(heterograph.relations["Drug", "TESTED_ON", "CellLine"].features["dataset"].numpy())
    return "+".join(heterograph.datasets[c] for c in codes if c >= 0)


@dataclass(frozen=True)
class Responses:
    """Measured pairs, each of them once.

    Attributes
    ----------
    drug, cell_line
        Node numbers in the heterograph, int64 (n,).
    response
        1 sensitive, 0 resistant, float32 (n,); NaN if only ln IC50 is known.
    ln_ic50
        ln IC50 in ln(µmol/l), float32 (n,); NaN if only the class is known.
    n_drugs, n_cell_lines
        Numbers of nodes in the heterograph, measured or not.
    bounds
        Which ln IC50 are bounds, or expectations given one; None where all are measured.
    """

    drug: np.ndarray
    cell_line: np.ndarray
    response: np.ndarray
    ln_ic50: np.ndarray
    n_drugs: int
    n_cell_lines: int
    bounds: Bounds | None = None

    def __len__(self) -> int:
        return len(self.drug)

    def take(self, rows: np.ndarray) -> Responses:
        """A copy of the pairs at some positions, or where a mask is true."""
        return Responses(
            self.drug[rows].copy(), self.cell_line[rows].copy(), self.response[rows].copy(),
            self.ln_ic50[rows].copy(), self.n_drugs, self.n_cell_lines,
            None if self.bounds is None else self.bounds.take(rows),
        )  # fmt: skip

    def certain(self, task: Task) -> np.ndarray:
        """Whether a prediction can be judged by the label, bool (n,): not by a censored ln IC50."""
        if task == "classification" or self.bounds is None:
            return np.ones(len(self), bool)
        return self.bounds.side == 0

    def label(self, task: Task) -> np.ndarray:
        """What is to be predicted, float32 (n,): the class (1 sensitive), or ln IC50."""
        return self.response if task == "classification" else self.ln_ic50


def responses(
    heterograph: Heterograph, task: Task = "classification", *, dataset: str | None = None
) -> Responses:
    """The measured pairs of a heterograph, or of one data set in it.

    A pair that several data sets measured counts once, so that no split can put it on both sides. Its ln IC50 is the
    mean, or the tightest bound where all are censored on one side, and unknown where on both; its class is that of the
    majority, or in a tie that of the data set whose id sorts first.

    Raises
    ------
    ModelError
        If nothing was measured, all labels are equal, or there is no such data set.
    """
    edges = heterograph.relations["Drug", "TESTED_ON", "CellLine"]
    if not len(edges):
        raise ModelError("the graph has no drug responses; load some first: cli ingest gdsc")
    drug, cell_line = edges.src.numpy(), edges.dst.numpy()
    n_cell_lines = heterograph.n_nodes("CellLine")
    response = edges.features["response"].numpy()
    label = np.where(response < 0, np.nan, response).astype(np.float32)
    ln_ic50 = edges.features["ln_ic50"].numpy()
    value = label if task == "classification" else ln_ic50
    known = np.isfinite(value)
    if dataset is not None:
        code = edges.features["dataset"].numpy()
        have = [heterograph.datasets[c] for c in np.unique(code) if c >= 0]
        if dataset not in have:
            raise ModelError(
                f'no responses of "{dataset}" in the graph; there are those of {", ".join(have)}'
            )
        known &= code == heterograph.datasets.index(dataset)
    if not known.any() and not (np.isfinite(label).any() or np.isfinite(ln_ic50).any()):
        raise ModelError(
            "no response in the graph has a class or an ln IC50, which networks are fitted to; areas (auc) alone are "
            "not enough: load IC50s or classes of the screen, too"
        )
    if not known.any():
        other = "--task regression" if task == "classification" else "--task classification"
        raise ModelError(f"no response in the graph has a value for {task}; try {other}")
    order = np.argsort(edges.features["dataset"].numpy()[known], kind="stable")
    drug, cell_line = drug[known][order], cell_line[known][order]
    label, ln_ic50 = label[known][order], ln_ic50[known][order]

    side = edges.features["censored"].numpy()[known][order] if "censored" in edges.features else None
    pair, first, position = np.unique(drug * n_cell_lines + cell_line, return_index=True, return_inverse=True)
    sensitive = _mean(label, position, len(pair))  # fraction of the datasets
    merged = np.where(sensitive == 0.5, label[first], sensitive > 0.5).astype(np.float32)
    merged[np.isnan(sensitive)] = np.nan
    mean = _mean(ln_ic50 if side is None else np.where(side, np.nan, ln_ic50), position, len(pair))
    bounds = None
    if side is not None and side.any():
        mean, bounds = _bounds(ln_ic50, side, mean, position)
    found = Responses(
        pair // n_cell_lines,
        pair % n_cell_lines,
        merged,
        mean,
        heterograph.n_nodes("Drug"),
        n_cell_lines,
        bounds,
    )
    if side is not None and task == "regression":
        found = found.take(np.isfinite(mean))
    require_two_classes(
        found, task, f"the responses of {dataset}" if dataset else "the responses in the graph"
    )
    return found


def joined(first: Responses, second: Responses) -> Responses:
    """All pairs of both, those of the first before those of the second; they have no pair in common."""
    return Responses(
        np.concatenate([first.drug, second.drug]), np.concatenate([first.cell_line, second.cell_line]),
        np.concatenate([first.response, second.response]), np.concatenate([first.ln_ic50, second.ln_ic50]),
        first.n_drugs, first.n_cell_lines, _joined_bounds(first, second),
    )  # fmt: skip


def _joined_bounds(first: Responses, second: Responses) -> Bounds | None:
    if first.bounds is None and second.bounds is None:
        return None
    parts = [p.bounds or Bounds(np.zeros(len(p), np.int8), p.ln_ic50) for p in (first, second)]
    return Bounds(np.concatenate([p.side for p in parts]), np.concatenate([p.value for p in parts]))


def require_two_classes(found: Responses, task: Task, where: str) -> None:
    """Refuse pairs whose labels are all equal: nothing can be learned from them.

    Raises
    ------
    ModelError
        If there are no pairs, or all have one label.
    """
    label = found.label(task)
    if len(label) == 0:
        raise ModelError(f"{where} are empty; nothing can be learned or measured")
    label = label[found.certain(task)]
    if len(label) == 0:
        raise ModelError(
            f"{where} are all censored ({len(found):,} pairs): their ln IC50 is known as a bound alone; "
            "add measured ones, or use --task classification"
        )
    if task == "classification" and label.min() == label.max():
        one = "sensitive" if label[0] else "resistant"
        raise ModelError(
            f"{where} are all {one} ({len(found):,} pairs); both classes are needed: "
            "ingest with another threshold, or use --task regression"
        )
    if task == "regression" and label.min() == label.max():
        raise ModelError(f"{where} all have ln IC50 {label[0]:g}; nothing can be learned from one value")


def _bounds(
    ln_ic50: np.ndarray, side: np.ndarray, mean: np.ndarray, position: np.ndarray
) -> tuple[np.ndarray, Bounds | None]:
    """ln IC50 with the tightest bound where no value is measured, NaN where bounds are on both sides; these bounds."""
    tightest = {s: np.full(len(mean), -np.inf) for s in (1, -1)}
    for s, found in tightest.items():
        rows = (side == s) & np.isfinite(ln_ic50)
        np.maximum.at(found, position[rows], s * ln_ic50[rows].astype(np.float64))
    above, below = tightest[1], -tightest[-1]
    open_ = ~np.isfinite(mean)
    is_above, is_below = np.isfinite(above) & open_, np.isfinite(below) & open_
    both = is_above & is_below
    of_pair = (is_above & ~both).astype(np.int8) - (is_below & ~both).astype(np.int8)
    value = np.where(of_pair > 0, above, np.where(of_pair < 0, below, mean)).astype(np.float32)
    return value, Bounds(of_pair, value) if of_pair.any() else None


def _mean(value: np.ndarray, position: np.ndarray, n: int) -> np.ndarray:
    """Mean of the finite values at each position, NaN if there are none."""
    finite = np.isfinite(value)
    count = np.bincount(position[finite], minlength=n)
    total = np.bincount(position[finite], value[finite].astype(np.float64), minlength=n)
    with np.errstate(invalid="ignore"):
        return (total / np.where(count, count, np.nan)).astype(np.float32)
