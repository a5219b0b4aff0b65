"""How sure predictions with pilots are: calibrated on hidden drugs, or cell lines, that were given pilots, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.certainty.certainty import LEVEL, UNITS, WORDS, Certainty
from pharmagraph.model.certainty.conformal import checked_level, units_needed
from pharmagraph.model.certainty.intervals import Calibration, Interval
from pharmagraph.model.certainty.situation import Array
from pharmagraph.model.certainty.with_pilots import units
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.predictor.pilots import Pilots
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.runs.certain import Judged, all_unlike, beyond, situation_of


def judged_with_pilots(
    certainty: Certainty,
    predictor: Predictor,
    process: Pilots,
    at: Sequence[int],
    others: Sequence[Entity],
    predicted: Array,
    names: tuple[Sequence[str], Sequence[str]],
    level: float | None,
) -> Judged:
    """What is said of the predictions of one drug, or one cell line, that were made with pilots.

    Parameters
    ----------
    process
        Of the drug or the cell line.
    at
        Numbers of its pilots.
    others, predicted
        Known entities of the other kind, and the predictions, (n_cell_lines, n_drugs).
    names, level
        As in `runs.certain.judged`.

    Raises
    ------
    ModelError
        If a level is asked for and too few entities were hidden with so many pilots.
    """
    of_drug = process.kind == "drug"
    own: Sequence[Entity] = [process.entity]
    drugs, cell_lines = (own, others) if of_drug else (others, own)
    situation, *known = situation_of(certainty, predictor, drugs, cell_lines, predicted)
    wanted = checked_level(LEVEL if level is None else level)
    calibration, sentence = _calibration(certainty, process, bool(known[not of_drug][0]), len(at), wanted)
    if calibration is None and level is not None:
        raise ModelError(f"{sentence}; give a lower --level, or train on more pairs: cli train")
    deviation = situation.deviation
    if not process.measured.size:
        of_others = process.deviation(at)[[one.number or 0 for one in others]]
        deviation = of_others[:, None] if of_drug else of_others[None]
    situation = replace(situation, output=certainty.outputs(predicted), deviation=deviation)
    classes = certainty.task == "classification"
    interval = _none(predicted.shape, classes)
    if calibration is not None:
        interval = calibration.interval(situation, predicted, wanted)
        bare = ~known[of_drug]  # of which nothing was measured: no such pair was hidden
        interval = _without(interval, bare[:, None] if of_drug else bare[None])
        if bare.any():
            which = "cell lines" if of_drug else "drugs"
            sentence += f"; no interval for {int(bare.sum()):,} {which} without training pairs"
    drug, cell_line = situation.drug_distance.ravel(), situation.cell_line_distance.ravel()
    told = all_unlike(certainty, predictor, drugs, cell_lines, situation, names)
    unlike = beyond(certainty, "drug", drug), beyond(certainty, "cell_line", cell_line)
    return Judged(interval, wanted, *unlike, (sentence, *told))


def _calibration(
    certainty: Certainty, process: Pilots, known: bool, n_pilots: int, level: float
) -> tuple[Calibration | None, str]:
    """The calibration that fits, and what it was made on, in words."""
    if known:
        if (lacking := certainty.lacking(Split.random, level)) is not None:
            return None, f"no interval: {lacking}"
        return certainty.calibrations[Split.random], (
            "intervals are those of training pairs that were hidden at random, without pilots: with these, errors are "
            "no larger on average"
        )
    kind = Split.unseen_drug if process.kind == "drug" else Split.unseen_cell
    what, of_kind = UNITS[kind], certainty.with_pilots
    found = of_kind.of(kind, n_pilots, level)
    if found is None:
        most = max((units(one) for (of, n), one in of_kind.calibrations.items() if of is kind), default=0)
        return None, (
            f"no interval: one for {WORDS[kind]} with pilots at level {level:g} needs {units_needed(level):,} {what} "
            f"that can be hidden from the run and given {n_pilots:,} or fewer pilots; the run has {most:,}"
        )
    n, calibration = found
    fewer = f"; yours has {n_pilots:,}" if n != n_pilots else ""
    return calibration, (
        f"intervals are calibrated on {units(calibration):,} {what} that were hidden from the run and given {n:,} "
        f"pilot{'s' if n > 1 else ''} each, drawn at random{fewer}"
    )


def _none(shape: tuple[int, ...], classes: bool) -> Interval:
    nothing = np.full(shape, np.nan, np.float32)
    return Interval(nothing, nothing, *((nothing, np.full(shape, -1)) if classes else ()))


def _without(interval: Interval, bare: np.ndarray) -> Interval:
    """An interval that some pairs do not have."""
    low, high = (np.where(bare, np.nan, end) for end in (interval.low, interval.high))
    if interval.probability is None or interval.answer is None:
        return Interval(low, high)
    return Interval(
        low, high, np.where(bare, np.nan, interval.probability), np.where(bare, -1, interval.answer)
    )
