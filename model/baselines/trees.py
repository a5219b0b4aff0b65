"""Gradient boosting and random forest on components and mean labels of a pair's drug and cell line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pharmagraph.model.baselines.pair_features import pair_features
from pharmagraph.model.baselines.problem import Options, Problem, best_of


@dataclass(frozen=True)
class GradientBoosting:
    """scikit-learn's histogram gradient boosting."""

    candidates: Sequence[tuple[int, int, float]] = ((250, 15, 0.05), (500, 31, 0.05), (250, 7, 0.05))
    """Trees, leaves, learning rate."""

    def choose(self, problem: Problem) -> Options:
        """Trees, leaves and learning rate."""
        names = ("trees", "leaves", "learning_rate")
        return best_of(problem, self.predict, [dict(zip(names, c, strict=True)) for c in self.candidates])

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        classes = problem.task == "classification"
        model = (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(
            max_iter=int(options["trees"]), learning_rate=options["learning_rate"],
            max_leaf_nodes=int(options["leaves"]), l2_regularization=5.0, early_stopping=False,
            random_state=problem.seed,
        )  # fmt: skip
        return _fit_predict(model, problem, drug, cell_line)


@dataclass(frozen=True)
class RandomForest:
    """scikit-learn's random forest."""

    trees: int = 200
    candidates: Sequence[tuple[int, float]] = ((2, 0.3), (5, 0.3), (2, 0.6))
    """Fewest pairs in a leaf, and the fraction of columns that a split is chosen among."""

    def choose(self, problem: Problem) -> Options:
        """Size of leaves and fraction of columns, judged with fewer trees."""
        candidates = [{"leaf": leaf, "columns": fraction, "trees": 50} for leaf, fraction in self.candidates]
        return {**best_of(problem, self.predict, candidates), "trees": self.trees}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        classes = problem.task == "classification"
        model = (RandomForestClassifier if classes else RandomForestRegressor)(
            n_estimators=int(options["trees"]), min_samples_leaf=int(options["leaf"]),
            max_features=options["columns"], max_samples=min(1.0, 50_000 / len(problem.training)),
            random_state=problem.seed,
        )  # fmt: skip
        return _fit_predict(model, problem, drug, cell_line)


def _fit_predict(model: Any, problem: Problem, drug: np.ndarray, cell_line: np.ndarray) -> np.ndarray:
    trained, asked = pair_features(problem, drug, cell_line)
    if problem.task == "regression":
        return np.asarray(model.fit(trained, problem.label).predict(asked), np.float64)
    return np.asarray(model.fit(trained, problem.label.astype(int)).predict_proba(asked)[:, 1], np.float64)
