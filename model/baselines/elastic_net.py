"""An elastic net a drug on the expression of its cell lines."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pharmagraph.model.baselines.features import landmarks
from pharmagraph.model.baselines.means import shrunk_means
from pharmagraph.model.baselines.problem import Options, Problem, best_of
from pharmagraph.model.metrics.scores import MINIMUM_PAIRS


@dataclass(frozen=True)
class ElasticNet:
    """Linear for ln IC50, logistic for classes; as DrEval's ``SingleDrugElasticNet``, on the genes of `landmarks`.

    One penalty and one mixture for all drugs, chosen on inner folds; the penalty is a fraction of the one from which a
    drug's net has no gene at all. A drug with fewer than ten training pairs, with one class alone, or without any (an
    unseen drug) is predicted by its shrunk mean.
    """

    candidates: Sequence[tuple[float, float]] = ((0.5, 0.3), (0.5, 0.1), (0.1, 0.3), (0.1, 0.1), (0.5, 0.6))
    """Share of L1 in the penalty, and the penalty as a fraction of the smallest without a gene."""

    def choose(self, problem: Problem) -> Options:
        """Mixture and penalty."""
        candidates = [{"mixture": mixture, "penalty": penalty} for mixture, penalty in self.candidates]
        return best_of(problem, self.predict, candidates)

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        training, expression = problem.training, problem.features.expression
        genes = landmarks(expression, training.cell_line)
        rows = expression[:, genes].astype(np.float64)
        predicted = shrunk_means(training.drug, problem.label, training.n_drugs)[drug]
        order = np.argsort(training.drug, kind="stable")
        starts = np.searchsorted(training.drug[order], np.arange(training.n_drugs + 1))
        for number in np.unique(drug):
            own = order[starts[number] : starts[number + 1]]
            label = problem.label[own]
            if len(own) < MINIMUM_PAIRS or np.ptp(label) == 0:
                continue
            wanted = drug == number
            x, asked = rows[training.cell_line[own]], rows[cell_line[wanted]]
            predicted[wanted] = _fit_predict(problem, options, x - x.mean(0), label, asked - x.mean(0))
        return predicted


def _fit_predict(
    problem: Problem, options: Options, x: np.ndarray, label: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import ElasticNet as Linear
    from sklearn.linear_model import LogisticRegression

    # the smallest penalty without a gene: the steepest slope at zero, by the share of L1
    largest = np.abs(x.T @ (label - label.mean())).max() / len(label) / options["mixture"]
    penalty = max(options["penalty"] * largest, 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if problem.task == "regression":
            linear = Linear(alpha=penalty, l1_ratio=options["mixture"], tol=1e-3, max_iter=300)
            return np.asarray(linear.fit(x, label).predict(asked))
        logistic = LogisticRegression(
            C=1 / (penalty * len(label)), l1_ratio=options["mixture"], solver="saga", tol=1e-2, max_iter=100,
            random_state=problem.seed,
        )  # fmt: skip
        return np.asarray(logistic.fit(x, label.astype(int)).predict_proba(asked)[:, 1])
