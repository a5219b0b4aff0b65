"""Scores every scorer on every fold of held-out targets, with paired tests over drugs. Attention is fitted by
`model.targets.fitting`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.evaluation.targets.finished import Finished
from pharmagraph.model.evaluation.targets.holdout import held_out
from pharmagraph.model.evaluation.targets.predictors import PREDICTORS
from pharmagraph.model.evaluation.targets.recovery import METRICS, Recovery, recovery
from pharmagraph.model.evaluation.targets.truth import Truth
from pharmagraph.model.presets.choices import Holdout
from pharmagraph.model.targets.fitting import Settings, fit
from pharmagraph.model.targets.problem import TargetProblem

ATTENTION, WITHOUT_FAMILY = "attention", "attention-without-family"
MODELS = (ATTENTION, WITHOUT_FAMILY, *PREDICTORS)
Row = dict[str, Any]


def evaluate_targets(
    problem: TargetProblem,
    models: Sequence[str] = MODELS,
    *,
    holdout: Holdout = Holdout.pair,
    n_folds: int = 5,
    seed: int = 0,
    settings: Settings | None = None,
    truth: Truth | None = None,
    only: Sequence[int] | None = None,
    finished: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Row]:
    """Hold out known targets, score all pairs from the other targets, and rank the held-out ones.

    Parameters
    ----------
    problem
        Evidence and known targets of the graph.
    models
        Names in ``MODELS``.
    holdout, n_folds, seed
        How targets are held out; the seed is also used for the fit.
    settings
        Settings of the fit.
    truth
        Pairs that are held out instead of known targets. They, and the same pairs of their drugs' structure twins, are
        hidden from everything that is fitted.
    only
        Folds to evaluate, counted from 0; by default all.
    finished
        A file of finished folds, one JSON object per line. Folds in it are not computed again, and new ones are added
        at once, so an evaluation that was cut off goes on.
    report
        Called with a message for each fold and model that is done.

    Returns
    -------
    list of dict
        ``dataset``, ``split``, ``fold``, ``model``, ``metric``, ``grouping`` and ``value``. Groupings are pooled and
        per_drug; with a truth that has inactive pairs also ``listed``, over the pairs of the file. Then the rows of
        `paired`, of the first model against each other one.

    Raises
    ------
    ModelError
        If a model is unknown, or there is too little to hold out.
    """
    for model in models:
        if model not in MODELS:
            raise ModelError(f'no target scorer "{model}"; there are {", ".join(MODELS)}')
    split = "truth" if truth is not None else f"target-{holdout.value}"
    parts = (
        [truth.active]
        if truth is not None
        else list(held_out(problem.known, problem.evidence.structure_group, holdout, n_folds, seed=seed))
    )
    settings = settings or Settings()
    done = Finished.of(finished, problem, split, n_folds, seed, settings, truth)
    rows: list[Row] = []
    found: dict[str, list[Recovery]] = {model: [] for model in models}
    for fold, aside in enumerate(parts):
        if only is not None and fold not in only:
            continue
        visible = problem.known & ~aside
        if truth is not None:
            visible &= ~_with_twins(truth.active | truth.inactive, problem.evidence.structure_group)
        for model in models:
            figures = done.get(fold, model)
            if figures is None:
                score = score_pairs(problem, visible, model, seed=seed, settings=settings)
                figures = recovery(score, aside, visible)
                if truth is not None and truth.inactive.any():
                    listed = recovery(score, truth.active, ~(truth.active | truth.inactive)).pooled
                    figures.pooled.update({f"{m}, listed": listed[m] for m in ("auroc", "aupr")})
                done.add(fold, model, figures)
            found[model].append(figures)
            about = {"dataset": problem.dataset, "split": split, "fold": fold, "model": model}
            rows += [about | row for row in _figures(figures)]
            if report is not None:
                report(f"fold {fold} {model}: AUROC {np.mean(figures.per_drug['auroc']):.4f}")
    about = {"dataset": problem.dataset, "split": split, "fold": None}
    for model in list(models)[1:]:
        rows += [about | {"model": model} | row for row in paired(found[models[0]], found[model], problem)]
    return rows


def score_pairs(
    problem: TargetProblem,
    visible: np.ndarray,
    model: str,
    *,
    seed: int = 0,
    settings: Settings | None = None,
) -> np.ndarray:
    """Scores of all pairs by a model that is given the visible targets alone, float (n_drugs, n_genes)."""
    if model in PREDICTORS:
        return PREDICTORS[model](problem.evidence, visible)
    evidence = problem.evidence if model == ATTENTION else problem.evidence.without_homology()
    return fit(evidence, visible, seed=seed, settings=settings).attention


def paired(first: Sequence[Recovery], other: Sequence[Recovery], problem: TargetProblem) -> list[Row]:
    """Compare the ranks that two scorers give held-out targets, drug by drug.

    A drug's metrics are averaged over folds, and drugs of one structure count once. ``difference`` is the mean of the
    first minus the other; ``p`` is from Wilcoxon's signed-rank test.
    """
    from scipy.stats import wilcoxon

    rows: list[Row] = []
    for metric in METRICS:
        a, b = (_by_structure(figures, metric, problem) for figures in (first, other))
        difference = a - b
        p = float(wilcoxon(a, b).pvalue) if np.any(difference) else 1.0
        rows += [
            {"metric": metric, "grouping": "paired_difference", "value": float(difference.mean())},
            {"metric": metric, "grouping": "paired_p", "value": p},
        ]
    return rows


def summary(rows: Sequence[Row]) -> list[Row]:
    """One row per model: mean of each metric over folds, and p of the first model against it by AUROC and recall."""
    values: dict[str, dict[str, list[float]]] = {}
    columns = {
        ("auroc", "per_drug"): "auroc",
        ("aupr", "per_drug"): "aupr",
        ("auroc", "pooled"): "auroc, pooled",
    }
    columns |= {(m, "pooled"): m for m in ("recall@5", "recall@20", "mrr")}
    columns |= {("auroc", "listed"): "auroc, listed pairs"}
    columns |= {(m, "paired_p"): f"p, {m}" for m in ("auroc", "recall@5")}
    for row in rows:
        name = columns.get((row["metric"], row["grouping"]))
        if name is not None:
            values.setdefault(row["model"], {}).setdefault(name, []).append(row["value"])
    order = [c for c in columns.values() if any(c in found for found in values.values())]
    return [
        {"model": model, **{c: float(np.mean(found[c])) if c in found else None for c in order}}
        for model, found in values.items()
    ]


def _figures(figures: Recovery) -> list[Row]:
    if not len(figures.drugs):
        raise ModelError("no drug has a held-out target; load more targets: cli ingest targets")
    rows = [
        {"metric": metric, "grouping": grouping, "value": value}
        for metric in METRICS
        for grouping, value in (
            ("pooled", figures.pooled[metric]),
            ("per_drug", float(figures.per_drug[metric].mean())),
        )
    ]
    listed = [(m, figures.pooled.get(f"{m}, listed")) for m in METRICS]
    return rows + [{"metric": m, "grouping": "listed", "value": v} for m, v in listed if v is not None]


def _by_structure(figures: Sequence[Recovery], metric: str, problem: TargetProblem) -> np.ndarray:
    drug = np.concatenate([f.drugs for f in figures])
    value = np.concatenate([f.per_drug[metric] for f in figures])
    group, position = np.unique(problem.evidence.structure_group[drug], return_inverse=True)
    mean: np.ndarray = np.bincount(position, value, len(group)) / np.bincount(position, minlength=len(group))
    return mean


def _with_twins(pairs: np.ndarray, structure_group: np.ndarray) -> np.ndarray:
    """Pairs of drugs and genes, with each drug's structure twins given the same genes; bool, same shape."""
    of_group = np.zeros((int(structure_group.max(initial=0)) + 1, pairs.shape[1]), bool)
    np.logical_or.at(of_group, structure_group, pairs)
    return of_group[structure_group]
