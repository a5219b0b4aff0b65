"""Gradient boosting and random forest on features and mean labels of a pair's drug and cell line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pharmagraph.model.baselines.pair_features import PairRows, pair_features, unlinked
from pharmagraph.model.baselines.problem import Options, Problem, best_of
from pharmagraph.model.metrics.scores import CHOSEN_BY

BINS = 64
"""Values that XGBoost tells apart in a column; a quarter of its default, for the time. Set by hand."""


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
        return _fit_predict(model, problem, pair_features(problem, drug, cell_line))


@dataclass(frozen=True)
class RandomForest:
    """scikit-learn's random forest; for ln IC50 of what the means leave."""

    trees: int = 100
    candidates: Sequence[tuple[bool, int, float]] = (
        (False, 2, 0.3), (False, 5, 0.3), (False, 10, 0.3), (True, 2, 0.03), (True, 5, 0.03)
    )  # fmt: skip
    """Whether rows hold genes, fewest pairs in a leaf, and the fraction of columns that a split is chosen among."""
    most_pairs: int = 50_000
    """Pairs that are drawn for a tree, at most."""

    def choose(self, problem: Problem) -> Options:
        """Rows, size of leaves and fraction of columns, judged with fewer trees."""
        candidates = [
            {"genes": float(genes), "leaf": leaf, "columns": columns, "trees": min(25, self.trees)}
            for genes, leaf, columns in _possible(problem, self.candidates)
        ]
        return {**best_of(problem, self.predict, candidates), "trees": self.trees}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        classes = problem.task == "classification"
        model = (RandomForestClassifier if classes else RandomForestRegressor)(
            n_estimators=int(options["trees"]), min_samples_leaf=int(options["leaf"]),
            max_features=options["columns"], max_samples=min(1.0, self.most_pairs / len(problem.training)),
            random_state=problem.seed,
        )  # fmt: skip
        rows = pair_features(problem, drug, cell_line, genes=bool(options["genes"]))
        return _fit_predict(model, problem, rows)


@dataclass(frozen=True)
class XGBoost:
    """XGBoost (Chen and Guestrin, 2016), which starts from what the means predict and adds trees to it.

    An inner fold chooses among rows of principal components and rows of Morgan bits and genes, the depth of the trees,
    and the share of columns; where the figure there stops rising ends the trees.
    """

    candidates: Sequence[tuple[bool, int, float]] = (
        (False, 6, 0.6), (False, 10, 0.6), (True, 6, 0.1), (True, 10, 0.1)
    )  # fmt: skip
    """Whether rows hold genes, depth, and share of columns of a tree."""
    learning_rate: float = 0.1
    most_trees: int = 300
    patience: int = 30

    def choose(self, problem: Problem) -> Options:
        """Rows, depth, share of columns and number of trees."""
        judged = [
            self._judged(problem, {"genes": float(genes), "depth": depth, "columns": columns})
            for genes, depth, columns in _possible(problem, self.candidates)
        ]
        return max(judged, key=lambda found: np.nan_to_num(found[0], nan=-np.inf))[1]

    def _judged(self, problem: Problem, options: Options) -> tuple[float, Options]:
        """The figure of some options on an inner fold, and the options with the number of trees that was best there."""
        less, aside = problem.inner(0)
        label = aside.label(problem.task).astype(np.float64)
        rows = pair_features(less, aside.drug, aside.cell_line, genes=bool(options["genes"]))
        model = self._fitted(less, options, rows, self.most_trees, judged_by=label)
        trees = model.best_iteration + 1
        return CHOSEN_BY[problem.task](label, self._output(model, rows, trees)), {**options, "trees": trees}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        rows = pair_features(problem, drug, cell_line, genes=bool(options["genes"]))
        model = self._fitted(problem, options, rows, int(options["trees"]))
        return unlinked(problem, self._output(model, rows, int(options["trees"])))

    def _fitted(
        self,
        problem: Problem,
        options: Options,
        rows: PairRows,
        trees: int,
        judged_by: np.ndarray | None = None,
    ) -> Any:
        """Trees on the training rows; with labels of the rows asked for, those up to the best figure there count."""
        import torch
        import xgboost

        parameters = {
            "objective": "binary:logistic" if problem.task == "classification" else "reg:squarederror",
            "eval_metric": "logloss" if problem.task == "classification" else "rmse",
            "eta": self.learning_rate, "max_depth": int(options["depth"]), "subsample": 0.8,
            "colsample_bytree": options["columns"], "min_child_weight": 5, "lambda": 1.0, "base_score": 0.5,
            "max_bin": BINS, "seed": problem.seed, "nthread": torch.get_num_threads(), "verbosity": 0,
        }  # fmt: skip
        trained = xgboost.QuantileDMatrix(rows.trained, problem.label, max_bin=BINS)
        trained.set_base_margin(rows.trained_start)
        judges: dict[str, Any] = {}
        if judged_by is not None:
            asked = xgboost.QuantileDMatrix(rows.asked, judged_by, ref=trained, max_bin=BINS)
            asked.set_base_margin(rows.asked_start)
            judges = {
                "evals": [(asked, "aside")],
                "early_stopping_rounds": self.patience,
                "verbose_eval": False,
            }
        return xgboost.train(parameters, trained, trees, **judges)

    def _output(self, model: Any, rows: PairRows, trees: int) -> np.ndarray:
        """ln IC50, or log-odds, of the rows asked for, float64 (n_pairs,)."""
        output = model.inplace_predict(
            rows.asked, iteration_range=(0, trees), predict_type="margin", base_margin=rows.asked_start
        )
        return np.asarray(output, np.float64)


def _possible(
    problem: Problem, candidates: Sequence[tuple[bool, int, float]]
) -> list[tuple[bool, int, float]]:
    """The candidates without those on genes and Morgan bits, where the graph has none."""
    known = problem.features.expression.any() and problem.features.fingerprint.any()
    return [candidate for candidate in candidates if known or not candidate[0]]


def _fit_predict(model: Any, problem: Problem, rows: PairRows) -> np.ndarray:
    if problem.task == "regression":
        model.fit(rows.trained, problem.label - rows.trained_start)
        return np.asarray(model.predict(rows.asked), np.float64) + rows.asked_start
    return np.asarray(
        model.fit(rows.trained, problem.label.astype(int)).predict_proba(rows.asked)[:, 1], np.float64
    )
