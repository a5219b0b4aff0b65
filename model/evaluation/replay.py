"""Hides a screen that was made long ago, asks for it in rounds, and measures how fast each way of asking learns it.

Only the Gaussian process is fitted, anew in every round (`suggest.process`): fitting networks a thousand times would
take weeks. A fifth of the pairs is never asked for; on it predictions are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError
from pharmagraph.model.metrics.scores import r2
from pharmagraph.model.suggest.acquisition import (
    Acquisition,
    Chosen,
    Limits,
    at_random,
    by_score,
    diverse,
    expected_gain,
)
from pharmagraph.model.suggest.belief import Numbers, OfProcess
from pharmagraph.model.suggest.process import Floats, PairProcess, Posterior

COMPARED = (Acquisition.random, Acquisition.uncertainty, Acquisition.diverse, Acquisition.gain)

JUDGED = 0.2
"""Share of the hidden pairs on which predictions are judged."""

MOST_CARED = 1_000
"""Pairs, drawn at random, that stand for all pairs of the screen in the expected gain."""

FIRST_STEPS, LATER_STEPS = 40, 8
"""Largest number of steps by which weights are chosen, in the first round and in later ones."""


@dataclass(frozen=True)
class Screen:
    """A screen to hide, and what was known before it.

    Attributes
    ----------
    name
        Of the data set.
    task
        What values are.
    drugs, cell_lines
        Similarities, (n, n, n_similarities). A drug of an earlier screen is a drug of its own here, after those of the
        hidden one: two screens of one drug differ.
    drug, cell_line, value
        The hidden pairs, (n,).
    known
        The same of an earlier screen; empty without one.
    """

    name: str
    task: str
    drugs: Floats
    cell_lines: Floats
    drug: Numbers
    cell_line: Numbers
    value: Floats
    known: tuple[Numbers, Numbers, Floats]


def replay(
    screen: Screen,
    how: Sequence[Acquisition],
    *,
    rounds: int,
    batch: int,
    start: int,
    seed: int,
    report: Callable[[str], None] | None = None,
) -> list[dict[str, Any]]:
    """Rows of one seed: after every round, what predictions of the judged pairs are worth.

    Parameters
    ----------
    how
        Ways to ask.
    rounds, batch
        How often is asked, and for how many pairs.
    start
        Pairs that are there before the first round, drawn at random, the same for every way.
    seed
        Fixes which pairs are judged, and all draws.
    report
        Called after each round.

    Returns
    -------
    list of dict
        ``by``, ``seed``, ``round``, ``measured`` (pairs of the hidden screen), ``r2`` (of all judged pairs) and
        ``r2_drugs`` (of what is left without each drug's mean over judged pairs).

    Raises
    ------
    InputError
        If there are fewer pairs than are asked for.
    """
    order = np.random.default_rng([seed, 31]).permutation(len(screen.value))
    n_judged = round(JUDGED * len(order))
    judged, there = order[:n_judged], order[n_judged:]
    if start + rounds * batch > len(there):
        raise InputError(
            f"{rounds} rounds of {batch} pairs after {start} are {start + rounds * batch:,}, and {len(there):,} of "
            f"{len(order):,} pairs can be asked for; give fewer --rounds or a smaller --batch"
        )
    found = []
    for way in how:
        asked, process = list(there[:start]), PairProcess(screen.drugs, screen.cell_lines)
        for number in range(rounds + 1):
            measured = np.array(asked, np.int64)
            posterior, mean, width = _fitted(screen, process, measured, seed=seed, first=number == 0)
            predicted = posterior.mean(screen.drug[judged], screen.cell_line[judged]) * width + mean
            found.append(
                {"by": way.value, "seed": seed, "round": number, "measured": len(asked)}
                | _figures(screen.value[judged], predicted, screen.drug[judged])
            )
            if report is not None:
                report(f"{way.value}, seed {seed}")
            if number < rounds:
                left = np.setdiff1d(there, measured)
                asked += left[_asked(screen, posterior, left, way, batch, [seed, number]).at].tolist()
    return found


def _fitted(
    screen: Screen, process: PairProcess, measured: Numbers, *, seed: int, first: bool
) -> tuple[Posterior, float, float]:
    """The process given earlier and measured pairs, and the mean and the deviation of their values."""
    earlier = screen.known
    drug = np.concatenate([earlier[0], screen.drug[measured]])
    cell_line = np.concatenate([earlier[1], screen.cell_line[measured]])
    value = np.concatenate([earlier[2], screen.value[measured]])
    mean, width = (float(value.mean()), float(value.std()) or 1.0) if len(value) else (0.0, 1.0)
    value = (value - mean) / width
    if len(value):
        process.fit(drug, cell_line, value, steps=FIRST_STEPS if first else LATER_STEPS, seed=seed)
    return process.given(drug, cell_line, value), mean, width


def _asked(
    screen: Screen, posterior: Posterior, left: Numbers, way: Acquisition, batch: int, seeds: list[int]
) -> Chosen:
    """The next batch among the pairs that are left."""
    candidates = screen.drug[left], screen.cell_line[left]
    limits = Limits(candidates)
    if way is Acquisition.random:
        return at_random(batch, limits, seeds[0] * 1000 + seeds[1])
    every = np.random.default_rng([*seeds, 37]).permutation(len(screen.value))[:MOST_CARED]
    belief = OfProcess(posterior, candidates, (screen.drug[every], screen.cell_line[every]))
    if way is Acquisition.uncertainty:
        return by_score(np.sqrt(belief.variance), batch, limits)
    if way is Acquisition.diverse:
        return diverse(belief, batch, limits)
    return expected_gain(belief, 1.0, batch, limits)


def _figures(value: Floats, predicted: Floats, drug: Numbers) -> dict[str, float]:
    sums, counts = np.bincount(drug, value), np.bincount(drug)
    rest = value - (sums / np.maximum(counts, 1))[drug]
    error = float(((predicted - value) ** 2).sum())
    whole = float((rest**2).sum())
    return {"r2": r2(value, predicted), "r2_drugs": 1 - error / whole if whole else float("nan")}


def reached(measured: npt.NDArray[Any], figure: npt.NDArray[Any], goal: float) -> float:
    """Measurements at which a curve first is at a goal; infinite where it never is."""
    for n in range(len(figure)):
        if figure[n] >= goal:
            if n == 0:
                return float(measured[0])
            part = (goal - figure[n - 1]) / (figure[n] - figure[n - 1])
            return float(measured[n - 1] + part * (measured[n] - measured[n - 1]))
    return float("inf")
