"""From a fitted ensemble to its `Certainty`: training pairs are hidden, predicted, and compared with measurements."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pharmagraph.model.certainty.certainty import FEWEST_PAIRS, FEWEST_UNITS, Certainty
from pharmagraph.model.certainty.held_out import KINDS, HeldOut, Process, distances, held_out, outputs
from pharmagraph.model.certainty.intervals import Calibration
from pharmagraph.model.certainty.situation import Array, Situation, situations
from pharmagraph.model.certainty.unlike import threshold
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.training.fitted import Fitted


def calibrate(
    fitted: Fitted,
    training: Responses,
    tissue: np.ndarray,
    *,
    seed: int,
    groups: Groups,
    kinds: Iterable[Split] = KINDS,
    workers: int = 1,
) -> Certainty | None:
    """How sure an ensemble's predictions are.

    Parameters
    ----------
    fitted
        As `training.fit` returns it: one that was loaded has no way to fit its factors anew.
    training
        The pairs that it was fitted to.
    tissue
        Code of each cell line's tissue, -1 unknown, (n_cell_lines,).
    seed, groups
        As in the fit.
    kinds
        Kinds of pairs that will be asked for.
    workers
        As of `held_out`.

    Returns
    -------
    Certainty
        None where no pair can be hidden.
    """
    kinds = tuple(dict.fromkeys((Split.random, *kinds)))
    hidden = held_out(fitted, training, seed=seed, groups=groups, kinds=kinds, workers=workers)
    if not hidden:
        return None
    return of_hidden(fitted, hidden, tissue, groups)


def of_hidden(fitted: Fitted, hidden: dict[Split, HeldOut], tissue: np.ndarray, groups: Groups) -> Certainty:
    """The certainty by hidden pairs of each kind."""
    tensors, scale = fitted.tensors, fitted.scale
    error = {
        kind: np.abs(one.label - predicted_by(fitted, one)).astype(np.float64) for kind, one in hidden.items()
    }
    similarity = (tensors.drug_kernels[..., 0].cpu().numpy(), tensors.cell_line_kernels[..., 1].cpu().numpy())
    by_kind, errors = situations(hidden, error, similarity, tissue)
    counts = {kind: _count(scale.task, kind, one, groups) for kind, one in hidden.items()}
    calibrations = {
        kind: made
        for kind, one in hidden.items()
        if (made := calibration(fitted, kind, one, by_kind[kind], groups)) is not None
    }
    process = Process.of(fitted, fitted.members[0], fitted.messages)
    thresholds = {
        side: threshold(getattr(hidden[kind], side), getattr(hidden[kind], f"{side}_distance"), error[kind])
        for side, kind in (("drug", Split.unseen_drug), ("cell_line", Split.unseen_cell))
        if kind in hidden
    }
    return Certainty(
        scale.task, scale.mean, scale.deviation, calibrations, counts, errors,
        tables(fitted, tissue), None if process is None else process.leverage,
        1.0 if process is None else process.scale, thresholds,
    )  # fmt: skip


def calibration(
    fitted: Fitted, kind: Split, hidden: HeldOut, situation: Situation, groups: Groups
) -> Calibration | None:
    """What is made of the hidden pairs of one kind; None where they are too few."""
    task = fitted.scale.task
    if _pairs(task, hidden) < FEWEST_PAIRS or _count(task, kind, hidden, groups) < FEWEST_UNITS:
        return None
    return Calibration.of(
        task, kind, situation, hidden.label, predicted_by(fitted, hidden), _unit(kind, hidden, groups)
    )


def tables(fitted: Fitted, tissue: np.ndarray) -> dict[str, np.ndarray]:
    """`Certainty.tables` of all drugs and cell lines of the graph that an ensemble is on."""
    process = Process.of(fitted, fitted.members[0], fitted.messages)
    n_drugs, n_cell_lines = fitted.tensors.n_drugs, fitted.tensors.n_cell_lines
    drug, cell_line = np.tile(np.arange(n_drugs), n_cell_lines), np.repeat(np.arange(n_cell_lines), n_drugs)
    shape = (n_cell_lines, n_drugs)
    _, spread = outputs(fitted, fitted.members, fitted.messages, drug, cell_line)
    deviation = np.zeros(shape, np.float32) if process is None else process.deviations()
    of_drugs, of_cell_lines = distances(fitted, fitted.messages)
    visible = fitted.messages.visible
    return {
        "deviation": deviation.astype(np.float32), "spread": spread.reshape(shape).astype(np.float32),
        "drug_distance": of_drugs, "cell_line_distance": of_cell_lines,
        "known_drugs": visible.known_drugs.cpu().numpy(),
        "known_cell_lines": visible.known_cell_lines.cpu().numpy(), "tissue": tissue.astype(np.int64),
    }  # fmt: skip


def predicted_by(fitted: Fitted, hidden: HeldOut) -> Array:
    """Probabilities, or ln IC50, of hidden pairs, (n,)."""
    import torch

    found: Array = fitted.scale.prediction(torch.from_numpy(hidden.output)).numpy()
    return found


def _unit(kind: Split, hidden: HeldOut, groups: Groups) -> npt.NDArray[np.int64] | None:
    """What is drawn as a whole: groups of drugs or of cell lines; None for single pairs.

    Of pairs of which both ends are new those of which there are fewer.
    """
    if kind is Split.random:
        return None
    sides: list[npt.NDArray[np.int64]] = []
    if kind.of_unseen_drugs:
        sides.append(groups.drug[hidden.drug])
    if kind.of_unseen_cell_lines:
        sides.append(groups.cell_line[hidden.cell_line])
    return min(sides, key=lambda side: len(np.unique(side)))


def _count(task: Task, kind: Split, hidden: HeldOut, groups: Groups) -> int:
    """Units that were hidden, of classes those with the rarer class."""
    unit = _unit(kind, hidden, groups)
    unit = np.arange(len(hidden)) if unit is None else unit
    return min(len(np.unique(unit[which])) for which in _of_classes(task, hidden))


def _pairs(task: Task, hidden: HeldOut) -> int:
    return min(int(which.sum()) for which in _of_classes(task, hidden))


def _of_classes(task: Task, hidden: HeldOut) -> list[npt.NDArray[np.bool_]]:
    if task == "regression":
        return [np.ones(len(hidden), bool)]
    return [hidden.label > 0.5, hidden.label < 0.5]
