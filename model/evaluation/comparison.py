"""Compares the models of an evaluation: means, intervals by entity, and tests of the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pharmagraph.model.evaluation import predictions as finished
from pharmagraph.model.evaluation.plan import Row
from pharmagraph.model.metrics.scores import CLASSIFICATION, NOT_JUDGED, REGRESSION, Metric, per_entity
from pharmagraph.model.metrics.significance import (
    Comparison,
    bootstrap_interval,
    compare_by_bootstrap,
    compare_entities,
    compare_folds,
    mean_interval,
)
from pharmagraph.model.presets.choices import Task

SMALLER_IS_BETTER = frozenset({"brier", "calibration_error", "rmse"})
BOOTSTRAPPED = frozenset({"auroc", "r2", "pearson"})
"""Pooled metrics that get an interval, for which drugs are resampled with replacement."""
RESAMPLES = 200
ENTITY = {"per_drug": "drug", "per_cell_line": "cell_line"}


def direction(metric: str) -> int:
    """1 if a larger value of the metric is better, else -1."""
    return -1 if metric in SMALLER_IS_BETTER else 1


@dataclass(frozen=True)
class Predicted:
    """One model's predictions of one fold's held-out pairs, without pairs that no model can predict.

    Attributes
    ----------
    drug, cell_line
        Ids, (n,).
    target, predicted
        Labels and predictions, float64 (n,).
    """

    drug: np.ndarray
    cell_line: np.ndarray
    target: np.ndarray
    predicted: np.ndarray


def read_predictions(
    folder: Path, key: Row, folds: Sequence[int], models: Sequence[str]
) -> dict[str, dict[int, Predicted]]:
    """Read the predictions of one plan: model → fold → predictions."""
    from pyarrow import parquet

    found: dict[str, dict[int, Predicted]] = {model: {} for model in models}
    for model in models:
        for number in folds:
            file = finished.prediction_file(folder, key, number, model)
            if not file.is_file():
                continue
            table = parquet.read_table(file).drop_null()
            found[model][number] = Predicted(
                *(table[name].to_numpy() for name in ("drug", "cell_line", "target", "predicted"))
            )
    return found


def entity_figures(
    of_folds: Mapping[int, Predicted], metric: Metric, grouping: str, *, classes: bool
) -> dict[tuple[int, str], float]:
    """The metric by fold and drug, or by fold and cell line, for those with enough pairs in the fold."""
    figures = {}
    for number, made in of_folds.items():
        names, entity = np.unique(getattr(made, ENTITY[grouping]), return_inverse=True)
        for code in range(len(names)):
            rows = entity == code
            value = per_entity(metric, made.target[rows], made.predicted[rows], entity[rows], classes=classes)
            if len(value) and np.isfinite(value[0]):
                figures[number, str(names[code])] = float(value[0])
    return figures


def verdicts(
    rows: Sequence[Row],
    predictions: Mapping[str, Mapping[int, Predicted]],
    task: Task,
    *,
    ours: Sequence[str],
) -> list[Row]:
    """One row per metric, grouping and model: mean, interval, and the comparison with a rival model.

    Parameters
    ----------
    rows
        Rows of one plan.
    predictions
        Model → fold → predictions. Models without predictions have no interval and are compared by folds alone.
    ours
        Names of this project's models. The rival of each is the best other model; the rival of the others is the best
        of these.

    Returns
    -------
    list of dict
        ``metric``, ``grouping``, ``model``, ``mean``, ``deviation`` (over folds), ``folds``, ``low`` and ``high`` (95%
        interval, by resampling entities; for the pooled metrics of `BOOTSTRAPPED` drugs), ``rival``, ``difference``,
        ``p``, ``test`` and ``n``. Metrics per entity are compared by Wilcoxon's test over entities, pooled ones by the
        corrected t-test over folds. With a single fold, the best of ours and the best other model are compared on the
        metrics of `BOOTSTRAPPED` by resampling drugs.
    """
    columns: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for row in rows:
        if row["metric"] == NOT_JUDGED:
            continue
        value = float("nan") if row["value"] is None else row["value"]
        columns.setdefault((row["metric"], row["grouping"]), {}).setdefault(row["model"], {})[row["fold"]] = (
            value
        )
    metrics = CLASSIFICATION if task == "classification" else REGRESSION
    found = []
    for (metric, grouping), by_model in columns.items():
        sign = direction(metric)
        means = {model: float(np.mean(list(values.values()))) for model, values in by_model.items()}
        by_entity = (
            {
                model: entity_figures(
                    predictions[model], metrics[metric], grouping, classes=task == "classification"
                )
                for model in by_model
                if predictions.get(model)
            }
            if grouping in ENTITY
            else {}
        )
        mine, other = (
            max(
                (m for m in by_model if (m in ours) == of_ours and np.isfinite(means[m])),
                key=lambda m: sign * means[m],
                default=None,
            )
            for of_ours in (True, False)
        )
        by_bootstrap: dict[str, Comparison] = {}
        if grouping == "pooled" and metric in BOOTSTRAPPED and mine and other:
            by_bootstrap = _by_bootstrap(predictions, mine, other, metrics[metric])
        for model, values in by_model.items():
            rival = other if model in ours else mine
            low, high = mean_interval(np.array(list(by_entity.get(model, {}).values())))
            if grouping == "pooled" and metric in BOOTSTRAPPED and predictions.get(model):
                low, high = _pooled_interval(predictions[model], metrics[metric])
            row = {
                "metric": metric, "grouping": grouping, "model": model, "mean": means[model],
                "deviation": float(np.std(list(values.values()))), "folds": len(values), "low": low, "high": high,
            }  # fmt: skip
            found.append(row | _against(model, rival, by_model, by_entity, by_bootstrap.get(model)))
    return found


def _by_bootstrap(
    predictions: Mapping[str, Mapping[int, Predicted]], ours: str, other: str, metric: Metric
) -> dict[str, Comparison]:
    """Compare two models on the pairs of their only fold; empty if they have several folds or different pairs."""
    folds = [predictions.get(model, {}) for model in (ours, other)]
    if any(len(of_model) != 1 for of_model in folds) or folds[0].keys() != folds[1].keys():
        return {}
    first, second = (next(iter(of_model.values())) for of_model in folds)
    if not (np.array_equal(first.drug, second.drug) and np.array_equal(first.cell_line, second.cell_line)):
        return {}
    drug = np.unique(first.drug, return_inverse=True)[1]
    found = compare_by_bootstrap(metric, first.target, first.predicted, second.predicted, drug)
    return {ours: found, other: replace(found, difference=-found.difference)}


def _pooled_interval(of_folds: Mapping[int, Predicted], metric: Metric) -> tuple[float, float]:
    drug = np.concatenate([made.drug for made in of_folds.values()])
    return bootstrap_interval(
        metric,
        np.concatenate([made.target for made in of_folds.values()]),
        np.concatenate([made.predicted for made in of_folds.values()]),
        np.unique(drug, return_inverse=True)[1],
        fold=np.repeat(np.arange(len(of_folds)), [len(made.drug) for made in of_folds.values()]),
        resamples=RESAMPLES,
    )


def _against(
    model: str,
    rival: str | None,
    by_fold: Mapping[str, Mapping[int, float]],
    by_entity: Mapping[str, Mapping[tuple[int, str], float]],
    by_bootstrap: Comparison | None,
) -> Row:
    nothing = {"rival": rival, "difference": float("nan"), "p": float("nan"), "test": None, "n": 0}
    if rival is None:
        return nothing
    if model in by_entity and rival in by_entity:
        both = sorted(by_entity[model].keys() & by_entity[rival].keys())
        compared = compare_entities(
            *(np.array([by_entity[m][entity] for entity in both]) for m in (model, rival))
        )
        test = "Wilcoxon over entities"
    elif by_bootstrap is not None:
        compared, test = by_bootstrap, "bootstrap over drugs"
    else:
        folds = sorted(by_fold[model].keys() & by_fold[rival].keys())
        first, second = (np.array([by_fold[m][number] for number in folds]) for m in (model, rival))
        compared = compare_folds(first, second, test_share=1 / max(len(folds) - 1, 1))
        test = "corrected t over folds"
    return {"rival": rival, "difference": compared.difference, "p": compared.p, "test": test, "n": compared.n}
