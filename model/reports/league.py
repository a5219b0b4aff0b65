"""The league: ours beside what people use instead, one table a figure; what was not run says so."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pharmagraph.model.evaluation.comparison import direction
from pharmagraph.model.evaluation.plan import Row

MODELS = ("default", "ensemble-mf", "xgboost", "random-forest", "elastic-net", "mean-effects")
TREES = frozenset({"xgboost", "random-forest", "gradient-boosting"})
DATASETS = ("nci60", "GDSC1", "GDSC2")
SPLITS = ("unseen-cell", "unseen-tissue", "unseen-drug")
FIGURES = {
    "regression": (("r2", "pooled"), ("pearson", "per_drug"), ("pearson", "normalised")),
    "classification": (("auroc", "pooled"), ("auroc", "per_cell_line")),
}
NAMES = {
    ("r2", "pooled"): "R² pooled", ("pearson", "per_drug"): "Pearson per drug",
    ("pearson", "normalised"): "Pearson normalised", ("auroc", "pooled"): "AUROC pooled",
    ("auroc", "per_cell_line"): "AUROC per cell line",
}  # fmt: skip
TASK_OF = {"nci60": "classification"}
"""The task of a data set in the league; ln IC50 of all others."""
NOT_RUN, UNDEFINED = "not run", "–"


def league(results: Sequence[Row]) -> str:
    """A section with a row per data set, split and figure and a column per model of the league.

    Figures are means over folds. Of several evaluations of one data set, split and model, the one with most folds
    counts, and models that were not fitted to the same folds are marked by their number.
    """
    head = "| data set | split | figure | " + " | ".join(MODELS) + " |\n" + "|---" * (3 + len(MODELS)) + "|\n"
    body, won = "", []
    for dataset in DATASETS:
        task = TASK_OF.get(dataset, "regression")
        for split in SPLITS:
            for column in FIGURES[task]:
                found = {model: _found(results, (dataset, split, task), model, column) for model in MODELS}
                best = _best(found, column[0])
                cells = " | ".join(_cell(found[model], model == best, found) for model in MODELS)
                body += f"| {dataset} | {split} | {NAMES[column]} | {cells} |\n"
                if best in TREES:
                    won.append(f"- {dataset}, {split}, {NAMES[column]}: **a tree wins**, {best}.")
    about = """\
Ours (`default`) beside the models of DrEval's league, means over folds; the best of a row is bold. `normalised` is
DrEval's: the mean effects of drug, tissue and cell line are taken out of response and prediction. A number of folds
stands in brackets where it is not that of `default`; – is a figure that an evaluation does not have.
"""
    return f"## The league\n\n{about}\n{head}{body}" + ("\n" + "\n".join(won) + "\n" if won else "")


def _found(
    results: Sequence[Row], of: tuple[str, str, str], model: str, column: tuple[str, str]
) -> tuple[float, int] | None:
    """Mean and number of folds, NaN where the figure was not computed; None if the model was not run."""
    verdicts = [
        verdict
        for result in results
        if (result["dataset"], result["split"], result["task"]) == of and _as_usual(result)
        for verdict in result["verdicts"]
        if verdict["model"] == model
    ]
    found = [(v["mean"], v["folds"]) for v in verdicts if (v["metric"], v["grouping"]) == column]
    known = [(mean, folds) for mean, folds in found if mean is not None and math.isfinite(mean)]
    return max(known, key=lambda f: f[1], default=(math.nan, 0) if verdicts else None)


def _as_usual(result: Row) -> bool:
    """Whether an evaluation is of all omics, of presets as shipped and of near twins held out together."""
    changed = any(result.get("changes", {}).values()) or result.get("omics")
    return not changed and {result.get("drug_groups"), result.get("cell_line_groups")} <= {"twins", None}


def _best(found: dict[str, tuple[float, int] | None], metric: str) -> str | None:
    have = {model: value[0] for model, value in found.items() if value is not None and value[1]}
    return max(have, key=lambda model: direction(metric) * have[model], default=None)


def _cell(value: tuple[float, int] | None, is_best: bool, found: dict[str, tuple[float, int] | None]) -> str:
    if value is None:
        return NOT_RUN
    mean, folds = value
    if not folds:
        return UNDEFINED
    text = f"**{mean:.4f}**" if is_best else f"{mean:.4f}"
    ours = found["default"]
    return text if ours is None or ours[1] in {0, folds} else f"{text} ({folds})"
