"""How large errors are expected to be, and what probability a logit stands for, by the situation of a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.model.certainty.situation import Array, Situation

PENALTY, PENALTY_OF_WHOLE = 1e-3, 1e-2
"""Ridge penalty on weights of standardised columns, beside the mean deviance or log loss: where single pairs were
hidden, and where whole drugs or cell lines were, which are far fewer. Set by hand."""

KNEE = 0.75
"""Share of the hidden entities up to whose distance the expected error may rise in one way, and beyond in another.
Chosen on inner folds (docs/decisions/certainty.md)."""

WITHOUT_OUTPUT = 6
"""Columns of a situation that a logit's deviation depends on; the last two are the logit itself."""


@dataclass(frozen=True)
class Linear:
    """A log-linear function of a situation.

    Beyond the values that held-out pairs had, a column counts as its largest or smallest: nothing was measured there.

    Attributes
    ----------
    low, high
        Range of each column, (n_columns,).
    weights
        Of columns brought to [0, 1], the intercept last, (n_columns + 1,).
    knees
        Distances of drugs and of cell lines beyond which the excess is a column of its own; none where they are not.
    """

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    knees: tuple[float, ...] = field(default=())

    def __call__(self, situation: Situation) -> Array:
        """Its value, above 0, in the shape of the situation."""
        found: Any = self.weights[-1]
        columns = situation.columns() + situation.excess(self.knees)
        for column, low, high, weight in zip(columns, self.low, self.high, self.weights[:-1], strict=False):
            if weight:
                found = found + weight * ((np.clip(column, low, high) - low) / (high - low))
        value: Array = np.broadcast_to(np.exp(found), np.shape(situation.output))
        return value

    def to_json(self) -> dict[str, list[float]]:
        """What `from_json` reads."""
        return {
            "low": self.low.tolist(), "high": self.high.tolist(), "weights": self.weights.tolist(),
            "knees": list(self.knees),
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: dict[str, list[float]]) -> Linear:
        """From `to_json`."""
        low, high, weights = (np.array(values[name]) for name in ("low", "high", "weights"))
        return cls(
            low, high, weights, tuple(values.get("knees", ()))
        )  # none in runs made before there were knees


def _design(columns: Sequence[Array]) -> tuple[npt.NDArray[np.float64], np.ndarray, np.ndarray]:
    """Columns brought to [0, 1] with a column of ones, (n_pairs, n + 1), and the ranges they had."""
    table = np.stack(columns, axis=1).astype(np.float64)
    low, high = np.quantile(table, 0.005, axis=0), np.quantile(table, 0.995, axis=0)
    high = np.where(high > low, high, low + 1)
    scaled = (np.clip(table, low, high) - low) / (high - low)
    return np.column_stack([scaled, np.ones(len(scaled))]), low, high


def expected_error(situation: Situation, error: Array, importance: Array, penalty: float = PENALTY) -> Linear:
    """Expected absolute error by situation: a Gamma regression with a logarithmic link (scikit-learn).

    ``importance`` is that of each pair, (n,).
    """
    from sklearn.linear_model import GammaRegressor

    knees = tuple(
        _quantile(distance, importance, KNEE)
        for distance in (situation.drug_distance, situation.cell_line_distance)
    )
    design, low, high = _design(situation.columns() + situation.excess(knees))
    floor = max(1e-3 * float(np.average(error, weights=importance)), 1e-9)
    model = GammaRegressor(alpha=penalty, solver="newton-cholesky").fit(
        design[:, :-1], np.maximum(error, floor), sample_weight=importance / importance.mean()
    )
    return Linear(low, high, np.append(model.coef_, model.intercept_), knees)


def _quantile(values: Array, weight: Array, share: float) -> float:
    """The value up to which there is a share of the weight."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, share * total[-1])])


@dataclass(frozen=True)
class Latent:
    """Class probabilities by a logit that is itself uncertain, as its situation tells (MacKay, 1992).

    The latent logit is normal, with the mean ``slope * output + intercept`` and the deviation s of the situation; the
    probability is its mean sigmoid, approximately ``sigmoid(mean / sqrt(1 + pi s² / 8))``.

    Attributes
    ----------
    slope, intercept
        Of the mean.
    deviation
        s, by situation.
    """

    slope: float
    intercept: float
    deviation: Linear

    def mean(self, situation: Situation) -> Array:
        """Mean of the latent logit."""
        found: Array = self.slope * situation.output + self.intercept
        return found

    def probability(self, situation: Situation) -> Array:
        """Probability of being sensitive."""
        return sigmoid(self.mean(situation) / np.sqrt(1 + np.pi / 8 * self.deviation(situation) ** 2))

    def interval(self, situation: Situation, level: float) -> tuple[Array, Array]:
        """Ends of the central interval of the latent probability, which are moved to hold the mean, the probability."""
        from scipy.special import ndtri

        mean, reach = self.mean(situation), ndtri(0.5 + level / 2) * self.deviation(situation)
        probability = self.probability(situation)
        low, high = (
            np.minimum(sigmoid(mean - reach), probability),
            np.maximum(sigmoid(mean + reach), probability),
        )
        return low, high

    @classmethod
    def of(cls, situation: Situation, label: Array, importance: Array, penalty: float = PENALTY) -> Latent:
        """By maximum likelihood on hidden pairs, labels 1 or 0, and the importance of each, (n,)."""
        from scipy.optimize import minimize

        design, low, high = _design(situation.columns()[:WITHOUT_OUTPUT])
        output, y = situation.output.astype(np.float64), label.astype(np.float64)
        share = importance / importance.sum()

        def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            (slope, intercept), weights = parameters[:2], parameters[2:]
            square = np.exp(np.clip(2 * design @ weights, -20, 6))
            shrink = 1 / np.sqrt(1 + np.pi / 8 * square)
            mean = slope * output + intercept
            logit = mean * shrink
            behind = sigmoid(logit) - y
            by_mean = share * behind * shrink
            of_weights = (share * behind * -mean * np.pi / 8 * square * shrink**3) @ design
            gradient = np.concatenate([[by_mean @ output, by_mean.sum()], of_weights])
            gradient[2:-1] += 2 * penalty * weights[:-1]
            value = float(share @ (np.logaddexp(0, logit) - y * logit) + penalty * (weights[:-1] ** 2).sum())
            return value, gradient

        start = np.concatenate([[1.0, 0.0], np.zeros(WITHOUT_OUTPUT), [-1.0]])
        bounds = [(1e-3, None), (None, None), *[(None, None)] * WITHOUT_OUTPUT, (-5.0, 1.5)]
        best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
        return cls(float(best[0]), float(best[1]), Linear(low, high, best[2:]))


def sigmoid(logit: Any) -> Array:
    """1 / (1 + exp(-logit))."""
    from scipy.special import expit

    found: Array = expit(logit)
    return found
