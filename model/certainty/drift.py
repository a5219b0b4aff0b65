"""Whether later measurements are covered less, or are biased, compared with those that a run held out at training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pharmagraph.kg.errors import some
from pharmagraph.model.certainty.certainty import FEWEST_UNITS
from pharmagraph.model.certainty.outcomes import HELD_OUT, LATER, Outcomes, Row
from pharmagraph.model.metrics.significance import difference_interval
from pharmagraph.model.presets.choices import Task

ROUNDING = 1e-9
"""Smaller differences are those of the arithmetic."""


@dataclass(frozen=True)
class Shift:
    """A mean of later measurements beside that of the earlier ones.

    Attributes
    ----------
    later, before
        The means.
    low, high
        Ends of the 95% interval of ``later - before``.
    """

    later: float
    before: float
    low: float
    high: float

    @property
    def less(self) -> bool:
        """Whether the later mean is significantly less."""
        return self.high < -ROUNDING

    @property
    def other(self) -> bool:
        """Whether the later mean is significantly another."""
        return self.less or self.low > ROUNDING


@dataclass(frozen=True)
class Drift:
    """What later measurements say of a run.

    Attributes
    ----------
    task
        The run's.
    n_later, n_before
        Measurements since, and held out at training. Where the latter are too few, they count as none, and shifts are
        from what is stated.
    datasets
        Those of the later measurements.
    unit
        ``drugs`` or ``cell lines``: what is drawn as a whole for the intervals; None where there are too few of both.
    coverage, bias
        Shifts of the covered share, and of measured less predicted; None where there are too few.
    """

    task: Task
    n_later: int
    n_before: int
    datasets: tuple[str, ...]
    unit: str | None
    coverage: Shift | None = None
    bias: Shift | None = None

    @classmethod
    def of(cls, outcomes: Outcomes) -> Drift:
        """From what was measured."""
        later, before = outcomes.origin == LATER, outcomes.origin == HELD_OUT
        datasets = tuple(str(name) for name in np.unique(outcomes.dataset[later]))
        of_units = {"drugs": outcomes.drug, "cell lines": outcomes.cell_line}
        enough = (unit for unit, names in of_units.items() if len(np.unique(names[later])) >= FEWEST_UNITS)
        unit = next(enough, None)
        if unit is None:
            return cls(outcomes.task, int(later.sum()), int(before.sum()), datasets, None)
        entity = np.unique(of_units[unit], return_inverse=True)[1]
        if len(np.unique(entity[before])) < FEWEST_UNITS:
            before = np.zeros(len(outcomes), bool)
        coverage = _shift(outcomes.inside, later, before, entity, float(outcomes.level[later].mean()))
        bias = _shift(outcomes.measured - outcomes.predicted, later, before, entity, 0.0)
        return cls(outcomes.task, int(later.sum()), int(before.sum()), datasets, unit, coverage, bias)

    @property
    def found(self) -> bool:
        """Whether there is drift: coverage is significantly less, or the bias another."""
        return bool(self.coverage and self.bias and (self.coverage.less or self.bias.other))

    def __str__(self) -> str:
        """One sentence."""
        if not self.n_later:
            return (
                "Drift cannot be told: nothing that the run had predicted was measured after its training; load new "
                "responses: cli ingest tables FOLDER"
            )
        came = f"{self.n_later:,} responses measured since the training ({some(list(self.datasets))})"
        if self.coverage is None or self.bias is None:
            return (
                f"Drift cannot be told: the {came} are of fewer than {FEWEST_UNITS} drugs and of fewer than "
                f"{FEWEST_UNITS} cell lines"
            )
        against = f"the {self.n_before:,} held out at training" if self.n_before else "what was stated"
        words = [
            *(["are covered significantly less often"] if self.coverage.less else []),
            *(["are biased"] if self.bias.other else []),
        ]
        said = " and ".join(words) or "are covered no less often and not biased significantly"
        head = f"{'Drift' if words else 'No drift'}: the {came} {said}, compared with {against}"
        c, b = self.coverage, self.bias
        unit = " ln µmol/l" if self.task == "regression" else ""
        return (
            f"{head}: {c.later:.1%} are covered, not {c.before:.1%} (difference {c.low:+.1%} to {c.high:+.1%}), "
            f"and measured less predicted is {b.later:+.2f}{unit}, not {b.before:+.2f} (difference {b.low:+.2f} to "
            f"{b.high:+.2f}; 95% intervals, {self.unit} drawn as a whole)."
        )

    def rows(self) -> list[Row]:
        """A row each for coverage and bias, where they could be compared."""
        return [
            {
                "by": "drift", "group": name, "n": self.n_later, "before": shift.before, "later": shift.later,
                "difference_low": shift.low, "difference_high": shift.high,
            }
            for name, shift in (("coverage", self.coverage), ("bias", self.bias))
            if shift is not None
        ]  # fmt: skip


def _shift(
    values: np.ndarray, later: np.ndarray, before: np.ndarray, entity: np.ndarray, stated: float
) -> Shift:
    """Of values of all pairs, (n,); compared with what is stated where no pair is an earlier one."""
    earlier = float(values[before].mean()) if before.any() else stated
    rows = later | before
    centred = values[rows] - (0.0 if before.any() else stated)
    which = np.unique(entity[rows], return_inverse=True)[1]
    return Shift(float(values[later].mean()), earlier, *difference_interval(centred, later[rows], which))
