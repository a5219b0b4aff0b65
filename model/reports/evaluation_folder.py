"""Writes the folder of an evaluation: table, JSON and plots, beside the rows and predictions from which they are
made."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pharmagraph.kg import folders
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.provenance import git_fingerprint
from pharmagraph.model.baselines import BASELINES
from pharmagraph.model.evaluation.comparison import read_predictions, verdicts
from pharmagraph.model.evaluation.exchange import FOREIGN
from pharmagraph.model.evaluation.journal import digest, entries
from pharmagraph.model.evaluation.plan import Plan, Row
from pharmagraph.model.reports import results
from pharmagraph.model.reports.plots import write_plots


def write_folder(
    folder: Path,
    heterograph: Heterograph,
    plan: Plan,
    models: Sequence[str],
    rows: Sequence[Row],
    *,
    finished_folds: Path,
    command: str,
) -> list[Path]:
    """Write the results of an evaluation.

    Parameters
    ----------
    finished_folds
        The file of finished folds of `model.evaluation.evaluate`, which has audits, options and times.
    command
        The command line of the evaluation.

    Returns
    -------
    list of Path
        ``NAME-result.json``, ``NAME-table.md`` and the plots; NAME has the split, the task and a hash of the plan.
    """
    key = plan.key(heterograph)
    folds = sorted({row["fold"] for row in rows})
    predictions = read_predictions(folder / "predictions", key, folds, models)
    ours = [model for model in models if model not in BASELINES and not model.startswith(FOREIGN)]
    evaluated = [
        entry for entry in entries(finished_folds, key) if entry["fold"] in folds and entry["model"] in models
    ]
    result: Row = {
        "dataset": plan.dataset(heterograph), "split": plan.split.value, "task": plan.task,
        "changes": key["changes"], "omics": key.get("omics"), "drug_groups": plan.drug_groups.value,
        "cell_line_groups": plan.cell_line_groups.value, "n_folds": plan.n_folds, "seed": plan.seed,
        "command": command,
        "commit": " and ".join(sorted({entry["commit"] for entry in evaluated})) or git_fingerprint(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "data": key["data"], "ours": ours,
        "verdicts": verdicts(rows, predictions, plan.task, ours=ours),
        "audit": {str(entry["fold"]): entry["audit"] for entry in evaluated},
        "unpredictable": [u for fold in folds for u in _of_fold(evaluated, fold)],
        "seconds": {f"{entry['model']} {entry['fold']}": entry["seconds"] for entry in evaluated},
        "options": {f"{entry['model']} {entry['fold']}": entry["options"] for entry in evaluated},
        "rows": list(rows),
    }  # fmt: skip
    name = "-".join([plan.split.value, plan.task, digest(key)])
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}-result.json", folder / f"{name}-table.md"]
    write_json(written[0], result)
    written[1].write_text(
        results.section(json.loads(written[0].read_text(encoding="utf-8"))), encoding="utf-8"
    )
    return written + write_plots(folder, name, predictions, plan.task)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, in which NaN becomes null."""
    with folders.whole(path) as place:
        place.write_text(json.dumps(_plain(value), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _of_fold(entries: Sequence[Row], fold: int) -> list[Row]:
    return next((entry["unpredictable"] for entry in entries if entry["fold"] == fold), [])


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
