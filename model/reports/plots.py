"""Plots predictions: ROC, calibration, metrics by entity, and predicted against measured values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.model.evaluation.comparison import Predicted, entity_figures
from pharmagraph.model.metrics.calibration import reliability
from pharmagraph.model.metrics.scores import CLASSIFICATION, REGRESSION
from pharmagraph.model.presets.choices import Task

N_BINS = 10


def write_plots(
    folder: Path, name: str, predictions: Mapping[str, Mapping[int, Predicted]], task: Task
) -> list[Path]:
    """Write the plots as ``name-….png`` into a folder; models without predictions are left out."""
    from matplotlib.figure import Figure

    made = {model: of_folds for model, of_folds in predictions.items() if of_folds}
    if not made:
        return []
    drawn = {"entities": _entities}
    drawn |= (
        {"roc": _roc, "calibration": _calibration} if task == "classification" else {"measured": _measured}
    )
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for what, draw in drawn.items():
        figure = Figure(figsize=(6.4, 5.2), layout="constrained")
        draw(figure, made, task)
        written.append(folder / f"{name}-{what}.png")
        figure.savefig(written[-1], dpi=120)
    return written


def _together(of_folds: Mapping[int, Predicted]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.concatenate([p.target for p in of_folds.values()]),
        np.concatenate([p.predicted for p in of_folds.values()]),
    )


def _roc(figure: Any, made: Mapping[str, Mapping[int, Predicted]], task: Task) -> None:
    from sklearn.metrics import roc_curve

    axes = figure.subplots()
    for model, of_folds in made.items():
        curves = []
        for fold in of_folds.values():
            false, true, _ = roc_curve(fold.target > 0.5, fold.predicted)
            curves.append(np.interp(np.linspace(0, 1, 201), false, true))
        axes.plot(np.linspace(0, 1, 201), np.mean(curves, 0), label=model)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="false positives, share", ylabel="true positives, share (mean over folds)")
    axes.legend(frameon=False)


def _calibration(figure: Any, made: Mapping[str, Mapping[int, Predicted]], task: Task) -> None:
    axes = figure.subplots()
    for model, of_folds in made.items():
        label, probability = _together(of_folds)
        bins = reliability(label, probability, n_bins=N_BINS)
        said, found = [b.predicted for b in bins], [b.observed for b in bins]
        axes.plot(said, found, marker="o", markersize=4, label=model)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="predicted probability", ylabel="share sensitive")
    axes.legend(frameon=False)


def _entities(figure: Any, made: Mapping[str, Mapping[int, Predicted]], task: Task) -> None:
    """The metric of every drug and every cell line, by the first model against the others."""
    metric = CLASSIFICATION["auroc"] if task == "classification" else REGRESSION["pearson"]
    name = "AUROC" if task == "classification" else "Pearson"
    first, *others = made
    for axes, grouping in zip(figure.subplots(1, 2), ("per_drug", "per_cell_line"), strict=True):
        own = entity_figures(made[first], metric, grouping, classes=task == "classification")
        for model in others or [first]:
            other = entity_figures(made[model], metric, grouping, classes=task == "classification")
            both = sorted(own.keys() & other.keys())
            axes.scatter([other[e] for e in both], [own[e] for e in both], s=6, alpha=0.6, label=model)
        axes.axline((0.5, 0.5), slope=1, color="grey", linewidth=0.8, linestyle=":")
        axes.set(
            xlabel=f"{name} by the others", ylabel=f"{name} by {first}", title=grouping.replace("_", " ")
        )
        axes.set_box_aspect(1)
        axes.legend(frameon=False, fontsize="small")


def _measured(figure: Any, made: Mapping[str, Mapping[int, Predicted]], task: Task) -> None:
    axes = figure.subplots()
    model = next(iter(made))
    measured, predicted = _together(made[model])
    axes.hexbin(measured, predicted, gridsize=60, bins="log", mincnt=1)
    axes.axline((float(measured.mean()), float(measured.mean())), slope=1, color="grey", linewidth=0.8)
    axes.set(xlabel="measured ln IC50 (ln µmol/l)", ylabel=f"predicted by {model}")
