"""Fits every model on every fold and returns rows of metrics; a model is given a fold's training pairs alone.

`model.evaluation.comparison` compares the models.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import numpy as np

from pharmagraph.kg.errors import ModelError, UnknownPresetError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.provenance import git_fingerprint
from pharmagraph.kg.wording import named, option
from pharmagraph.model.baselines import BASELINES, Features, require_features
from pharmagraph.model.baselines.problem import INNER_FRACTION
from pharmagraph.model.evaluation import predictions as files
from pharmagraph.model.evaluation.exchange import FOREIGN, Exchange
from pharmagraph.model.evaluation.fold_fits import Outcome, in_processes, in_turn
from pharmagraph.model.evaluation.journal import append, digest, entries
from pharmagraph.model.evaluation.plan import Plan, Row, unpredictable_pairs
from pharmagraph.model.inputs.tensors import baseline_tensors
from pharmagraph.model.metrics.dreval import mean_effects, normalised
from pharmagraph.model.metrics.scores import NOT_JUDGED, score, training_expectation
from pharmagraph.model.presets.choices import CellLineGroups, DrugGroups, Task
from pharmagraph.model.responses import leakage as leaks
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import inner_split
from pharmagraph.model.responses.measured import Responses, require_two_classes
from pharmagraph.model.responses.splits import Fold

Report = Callable[[str], None]


def evaluate(
    heterograph: Heterograph,
    models: Sequence[str],
    plan: Plan,
    *,
    only: Sequence[int] | None = None,
    workers: int = 1,
    finished: Path | None = None,
    predictions: Path | None = None,
    exchange: Path | None = None,
    report: Report | None = None,
) -> list[Row]:
    """Fit every model on every fold's training pairs and score it on the held-out pairs.

    Parameters
    ----------
    heterograph
        The graph, or a subgraph.
    models
        Names of baselines (`model.baselines.BASELINES`) and presets, and ``drevalpy:NAME``.
    plan
        The folds and how models are fitted.
    only
        Folds to evaluate, counted from 0; by default all.
    workers
        Number of processes; models and folds are distributed over them. The metrics do not depend on it.
    finished
        A file of finished folds, one JSON object per line. Folds in it are not computed again, and new ones are added
        at once, so an evaluation that was cut off goes on.
    predictions
        A folder for the predictions of every model and fold, as Parquet.
    exchange
        A folder of files for drevalpy (`model.evaluation.exchange`): folds and predictions are written there, and
        models called ``drevalpy:NAME`` are read from there in place of being fitted.
    report
        Called with a message for each model and fold that is done, with an estimate of the remaining time.

    Returns
    -------
    list of dict
        ``dataset``, ``split``, ``fold``, ``model``, ``metric``, ``grouping``, ``value``.

    Raises
    ------
    ModelError
        Before anything is fitted: if there is no such model, or a fold leaks, is empty, has one class alone, or cannot
        be predicted at all.
    """
    foreign = [model for model in models if model.startswith(FOREIGN)]
    if foreign and exchange is None:
        raise ModelError(
            f"{foreign[0]} is read from files of drevalpy; name their folder with {named('exchange')}"
        )
    shared = Exchange.of(exchange, heterograph, plan) if exchange is not None else None
    configs = {model: None if model in foreign else _config(model, heterograph, plan) for model in models}
    measured, cut = plan.cut(heterograph)
    where = [f"fold {number} of {option('split', plan.split.value)}" for number in range(len(cut))]
    numbers = [n for n in range(len(cut)) if only is None or n in only]
    for number in numbers:
        _check(measured, cut[number], plan.task, where[number])
    tensors = baseline_tensors(plan.seen(heterograph))
    for model in models:
        require_features(model, tensors)
    read = {}
    if shared is not None:
        shared.write(heterograph, measured, cut, Features.of(tensors))
        configs |= {model: shared.digest(model) for model in foreign}
        tests = {number: measured.take(cut[number].test) for number in numbers}
        read = {
            (n, model): shared.read(heterograph, tests[n], n, model) for n in numbers for model in foreign
        }
    audits = _audits(heterograph, measured, {n: cut[n] for n in numbers}, plan)
    for number, checks in audits.items():
        leaks.require_clear(checks, where[number])
    unpredictable = {n: unpredictable_pairs(heterograph, tensors, measured, cut[n]) for n in numbers}
    del tensors  # to free memory before the folds are fitted
    for number, (mask, why) in unpredictable.items():
        if mask.all():
            raise ModelError(
                f"nothing of {where[number]} can be predicted: {why[0].drug or why[0].cell_line}: {why[0].reason}"
            )
    tissue = heterograph.nodes["CellLine"]["tissue"].numpy()
    key, name = plan.key(heterograph), plan.dataset(heterograph)
    done = {
        (entry["fold"], entry["model"]): entry["rows"]
        for entry in entries(finished, key)
        if entry["config"] == configs.get(entry["model"], entry["config"])
    }

    def predicted_in(number: int, model: str) -> Path | None:
        return None if predictions is None else files.prediction_file(predictions, key, number, model)

    jobs = [
        (number, model)
        for number in numbers
        for model in models
        if (number, model) not in done
        or ((file := predicted_in(number, model)) is not None and not file.is_file())
    ]
    started, commit = time.monotonic(), git_fingerprint()
    to_fit = [job for job in jobs if job not in read]
    fitted = (
        in_processes(heterograph, measured, cut, to_fit, plan, workers)
        if workers > 1 and len(to_fit) > 1
        else in_turn(heterograph, measured, cut, to_fit, plan)
    )
    told = ((*job, Outcome(read[job], {}, 0.0)) for job in jobs if job in read)
    for count, (number, model, outcome) in enumerate(chain(told, fitted), start=1):
        mask, why = unpredictable[number]
        predicted = np.where(mask, np.nan, outcome.predicted)
        rows = [
            {"dataset": name, "split": plan.split.value, "fold": number, "model": model, **figure}
            for figure in _figures(measured, cut[number], predicted, plan.task, outcome.threshold, tissue)
        ]
        if (file := predicted_in(number, model)) is not None:
            test = measured.take(cut[number].test)
            target = np.where(test.certain(plan.task), test.label(plan.task), np.nan)
            files.keep(file, heterograph, test, target, predicted)
        if shared is not None and model not in foreign:
            shared.keep(heterograph, measured.take(cut[number].test), number, model, predicted)
        entry = {
            "of": key, "fold": number, "model": model, "seconds": round(outcome.seconds, 2),
            "commit": commit, "config": configs[model],
            "options": dict(outcome.options), "audit": [check.row() for check in audits[number]],
            "unpredictable": [asdict(w) for w in why], "rows": rows,
        }  # fmt: skip
        done[number, model] = rows
        append(finished, entry)
        if report is not None:
            main = next(r for r in rows if r["metric"] in {"auroc", "pearson"} and r["grouping"] == "pooled")
            left = (time.monotonic() - started) / count * (len(jobs) - count)
            aside = next((f", {r['value']:,.0f} censored" for r in rows if r["metric"] == NOT_JUDGED), "")
            report(f"fold {number} {model}: {main['metric']} {main['value']:.4f}{aside}{_remaining(left)}")
    return [row for number in numbers for model in models for row in done[number, model]]


def summary(rows: Sequence[Row]) -> list[Row]:
    """Mean and standard deviation over folds, one row per model, metric and grouping."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["metric"], row["grouping"]), []).append(row["value"])
    return [
        {
            "model": model,
            "metric": metric,
            "grouping": grouping,
            "mean": float(np.mean(values)),
            "deviation": float(np.std(values)),
            "folds": len(values),
        }
        for (model, metric, grouping), values in groups.items()
    ]


def _config(model: str, heterograph: Heterograph, plan: Plan) -> str | None:
    """The options on which a preset's fit depends, to detect a changed YAML file; None for a baseline.

    Raises
    ------
    UnknownPresetError
        If a model is neither a baseline nor a preset, with the names of both.
    """
    if model in BASELINES:
        return None
    try:
        config = plan.config(heterograph, model)
        silent = (
            set() if config.network.uses_gene_attention else {"targets"}
        )  # this attention does not enter predictions
        return digest(config.model_dump(mode="json", exclude=silent))
    except UnknownPresetError as error:
        raise UnknownPresetError(f"{error}; baselines are {', '.join(BASELINES)}") from None


def _figures(
    measured: Responses,
    fold: Fold,
    predicted: np.ndarray,
    task: Task,
    threshold: float | None,
    tissue: np.ndarray,
) -> list[Row]:
    training, test = measured.take(fold.train), measured.take(fold.test)
    expected = training_expectation(
        training.label(task), (training.drug, training.cell_line), (test.drug, test.cell_line),
        (measured.n_drugs, measured.n_cell_lines),
    )  # fmt: skip
    certain = test.certain(task)
    said = np.isfinite(predicted) & certain
    rows = score(
        test.label(task)[said], predicted[said], test.drug[said], test.cell_line[said], task,
        expected=expected[said], threshold=threshold,
    )  # fmt: skip
    if not certain.all():
        rows.append({"metric": NOT_JUDGED, "grouping": "pooled", "value": float((~certain).sum())})
    if task == "classification":
        return rows
    expected = mean_effects(
        training.label(task), (training.drug, training.cell_line), (test.drug, test.cell_line),
        (measured.n_drugs, measured.n_cell_lines), tissue,
    )  # fmt: skip
    found = normalised(test.label(task)[said].astype(np.float64), predicted[said], expected[said])
    return rows + [
        {"metric": name, "grouping": "normalised", "value": value} for name, value in found.items()
    ]


def _audits(
    heterograph: Heterograph, measured: Responses, cut: Mapping[int, Fold], plan: Plan
) -> dict[int, list[leaks.Check]]:
    """The leak audit of each fold (`model.responses.leakage`); features are checked once for all folds."""
    features = leaks.audit_features(heterograph, baseline_tensors)
    twins = Groups.of(heterograph)
    if DrugGroups.alone is plan.drug_groups or CellLineGroups.alone is plan.cell_line_groups:
        alone = Groups.of(heterograph, DrugGroups.alone, CellLineGroups.alone)
        twins = Groups(
            alone.drug if plan.drug_groups is DrugGroups.alone else twins.drug,
            alone.cell_line if plan.cell_line_groups is CellLineGroups.alone else twins.cell_line,
        )
    found = {}
    for number, fold in cut.items():
        training, test = measured.take(fold.train), measured.take(fold.test)
        inner = inner_split(
            training, plan.asked_as, fraction=INNER_FRACTION, seed=plan.seed, groups=plan.groups(heterograph)
        )
        found[number] = [
            *leaks.audit(measured, fold, heterograph, plan.split, groups=twins),
            leaks.audit_inner(training, inner, test),
            features,
        ]
    return found


def _remaining(seconds: float) -> str:
    if seconds < 1:
        return ""
    return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"


def _check(measured: Responses, fold: Fold, task: Task, where: str) -> None:
    if not len(fold.test) or not len(fold.train):
        raise ModelError(
            f"{where} holds {len(fold.test)} pairs out of {len(measured)}; use fewer folds or more data"
        )
    require_two_classes(measured.take(fold.train), task, f"the training pairs of {where}")
    require_two_classes(measured.take(fold.test), task, f"the held-out pairs of {where}")
