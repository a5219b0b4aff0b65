"""A weighted mean of other baselines, the weights chosen on an inner fold of the training pairs."""

from __future__ import annotations

from itertools import product

import numpy as np

from pharmagraph.model.baselines.calibration import INTERCEPT, SLOPE, link, log_odds
from pharmagraph.model.baselines.problem import Baseline, Options, Problem
from pharmagraph.model.metrics.calibration import curve
from pharmagraph.model.metrics.scores import CHOSEN_BY


class Blend:
    """Members are fitted without the pairs of an inner fold and predict them; the weights that do best there are kept.

    For classes log-odds are blended, each divided by its standard deviation: otherwise sharper members would count
    more.
    """

    def __init__(self, *members: Baseline, steps: int = 10) -> None:
        self.members = members
        self.steps = steps

    def choose(self, problem: Problem) -> Options:
        """Options of every member, the members' weights, and the standard deviations of their log-odds."""
        options: dict[str, float] = {}
        less, aside = problem.inner(0)
        label = aside.label(problem.task).astype(np.float64)
        outputs = []
        for number, member in enumerate(self.members):
            chosen = member.choose(problem)
            options |= {f"{number} {name}": value for name, value in chosen.items()}
            output = _output(problem, member.predict(less, chosen, aside.drug, aside.cell_line))
            # a constant has a width of exactly 0 or of rounding alone, by the processor: both count as none
            varies = problem.task == "classification" and np.ptp(output) > 0
            options[f"{number} width"] = float(output.std()) if varies else 1.0
            outputs.append(output / options[f"{number} width"])
        figure = CHOSEN_BY[problem.task]
        weights = max(
            _simplex(len(self.members), self.steps),
            key=lambda weights: figure(label, np.tensordot(weights, outputs, 1)),
        )
        options |= {f"{number} weight": weight for number, weight in enumerate(weights)}
        if problem.task == "classification":
            options[SLOPE], options[INTERCEPT] = curve(aside.response, np.tensordot(weights, outputs, 1))
        return options

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        total = np.zeros(len(drug))
        for number, member in enumerate(self.members):
            if not options[f"{number} weight"]:
                continue
            own = {k.split(" ", 1)[1]: v for k, v in options.items() if k.startswith(f"{number} ")}
            output = _output(problem, member.predict(problem, own, drug, cell_line))
            total += options[f"{number} weight"] * output / options[f"{number} width"]
        return link(problem, options, total)


def _output(problem: Problem, predicted: np.ndarray) -> np.ndarray:
    return log_odds(predicted) if problem.task == "classification" else predicted


def _simplex(n: int, steps: int) -> list[tuple[float, ...]]:
    """All weights of ``n`` members that are multiples of ``1 / steps`` and sum to 1."""
    counts = (c for c in product(range(steps + 1), repeat=n - 1) if sum(c) <= steps)
    return [(*(k / steps for k in c), (steps - sum(c)) / steps) for c in counts]
