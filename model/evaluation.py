"""Models × folds → rows of figures; each fold's training part is all that a model sees. It trains by `training.fit`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kg.errors import ModelError
from kg.heterograph import Heterograph
from model.baselines import BASELINES, Features, Problem
from model.baselines.problem import fit_predict
from model.config import load_preset
from model.metrics import score
from model.responses import Responses, Task, require_two_classes, responses
from model.splits import Fold, Split, folds

Row = dict[str, Any]


def evaluate(
    heterograph: Heterograph,
    models: Sequence[str],
    *,
    split: Split,
    n_folds: int = 5,
    only: Sequence[int] | None = None,
    task: Task = "classification",
    seed: int = 0,
    device: str = "cpu",
    changes: dict[str, dict[str, Any]] | None = None,
    finished: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Row]:
    """Fit every model on every fold's training part and score it on the held-out part.

    Parameters
    ----------
    heterograph
        Whole or a subgraph.
    models
        Baselines (`model.baselines.BASELINES`) and presets.
    split, n_folds
        How pairs are held out.
    only
        Folds to do, counted from 0; all unless given.
    task, seed, device
        As in `model.training.fit`.
    changes
        Options of presets to replace: ``{"network": {...}, "training": {...}}``.
    finished
        A file of rows, one JSON object a line: what stands there is not computed again, what is computed is
        added at once, so that an evaluation that was cut off goes on.
    report
        Told of each model and fold that is done.

    Returns
    -------
    list of dict
        ``dataset``, ``split``, ``fold``, ``model``, ``metric``, ``grouping``, ``value``.

    Raises
    ------
    ModelError
        If a model is unknown, or a fold would have nothing or one class on a side; before anything is fitted.
    """
    for model in models:
        if model not in BASELINES:
            load_preset(model, **(changes or {}))
    measured = responses(heterograph, task)
    cut = list(folds(measured, heterograph, split, n_folds))
    for number, fold in enumerate(cut):
        _check(measured, fold, task, f"fold {number} of --split {split.value}")
    name = dataset_name(heterograph)
    key = {
        "dataset": name,
        "split": split.value,
        "folds": n_folds,
        "task": task,
        "seed": seed,
        "data": heterograph.fingerprint(),
        "changes": changes or {},
    }
    done = _read(finished, key)
    for number, fold in enumerate(cut):
        if only is not None and number not in only:
            continue
        for model in models:
            if (number, model) in done:
                continue
            predicted = predict_fold(
                heterograph,
                measured,
                fold,
                model,
                split=split,
                task=task,
                seed=seed,
                device=device,
                changes=changes,
            )
            test = measured.take(fold.test)
            figures = score(test.target(task), predicted, test.drug, test.cell_line, task)
            rows = [
                {"dataset": name, "split": split.value, "fold": number, "model": model, **figure}
                for figure in figures
            ]
            done[number, model] = rows
            _append(finished, key, number, model, rows)
            if report is not None:
                main = next(
                    r for r in rows if r["metric"] in {"auroc", "pearson"} and r["grouping"] == "pooled"
                )
                report(f"fold {number} {model}: {main['metric']} {main['value']:.4f}")
    wanted = range(n_folds) if only is None else only
    return [row for number in wanted for model in models for row in done[number, model]]


def predict_fold(
    heterograph: Heterograph,
    measured: Responses,
    fold: Fold,
    model: str,
    *,
    split: Split,
    task: Task,
    seed: int,
    device: str = "cpu",
    changes: dict[str, dict[str, Any]] | None = None,
) -> np.ndarray:
    """Predictions of one fold's held-out pairs by a model that was given the training pairs alone, (n_test,)."""
    from model.graph_tensors import graph_tensors
    from model.training import fit

    training, test = measured.take(fold.train), measured.take(fold.test)
    if model in BASELINES:
        features = Features.of(graph_tensors(heterograph, n_expressed=0, n_neighbours=1))
        problem = Problem(training, features, task, split, seed)
        return fit_predict(BASELINES[model], problem, test.drug, test.cell_line)
    config = load_preset(model, **(changes or {}))
    tensors = graph_tensors(
        heterograph,
        n_expressed=config.network.n_expressed_genes,
        n_neighbours=config.network.axial_neighbours,
    )
    fitted = fit(tensors, training, config, seed=seed, task=task, split=split, device=device)
    return fitted.predict(test.drug, test.cell_line)


def dataset_name(heterograph: Heterograph) -> str:
    """Ids of the datasets that bring responses, joined by ``+``."""
    codes = np.unique(heterograph.graph.edges["Drug", "TESTED_ON", "CellLine"].data["dataset"].numpy())
    return "+".join(heterograph.datasets[c] for c in codes if c >= 0)


def summary(rows: Sequence[Row]) -> list[Row]:
    """Mean and standard deviation over folds, one row a model, metric and grouping."""
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


def _check(measured: Responses, fold: Fold, task: Task, where: str) -> None:
    if not len(fold.test) or not len(fold.train):
        raise ModelError(
            f"{where} holds {len(fold.test)} pairs out of {len(measured)}; use fewer folds or more data"
        )
    require_two_classes(measured.take(fold.train), task, f"the training pairs of {where}")
    require_two_classes(measured.take(fold.test), task, f"the held-out pairs of {where}")


def _read(path: Path | None, key: Row) -> dict[tuple[int, str], list[Row]]:
    done: dict[tuple[int, str], list[Row]] = {}
    if path is None or not path.is_file():
        return done
    for line in path.read_text().splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:  # the line that was being written when the work was cut off
            continue
        if entry["of"] == json.loads(json.dumps(key)):
            done[entry["fold"], entry["model"]] = entry["rows"]
    return done


def _append(path: Path | None, key: Row, fold: int, model: str, rows: list[Row]) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("\n" if path.stat().st_size and not path.read_text().endswith("\n") else "")
        file.write(json.dumps({"of": key, "fold": fold, "model": model, "rows": rows}) + "\n")
