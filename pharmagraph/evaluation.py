"""Evaluates models on held-out folds and returns their figures as a DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pharmagraph.kg import arguments, folders
from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import named
from pharmagraph.model.presets.choices import (
    OMICS,
    CellLineGroups,
    DrugGroups,
    EvaluatedSplit,
    Split,
    Task,
)

if TYPE_CHECKING:
    import pandas as pd

    from pharmagraph.kg.heterograph import Heterograph

COLUMNS = ("dataset", "split", "fold", "model", "metric", "grouping", "value")


def evaluate(
    data: GraphStore | Heterograph,
    models: str | Sequence[str] = ("default", "additive"),
    *,
    split: EvaluatedSplit
    | Literal["random", "unseen-drug", "unseen-cell", "unseen-both", "unseen-tissue", "transfer"] = "random",
    folds: int = 5,
    only: Sequence[int] | None = None,
    drug_groups: DrugGroups | Literal["twins", "scaffold", "alone"] = "twins",
    cell_line_groups: CellLineGroups | Literal["twins", "tissue", "alone"] = "twins",
    train_on: str | None = None,
    test_on: str | None = None,
    datasets: str | Sequence[str] | None = None,
    task: Task = "classification",
    seed: int = 0,
    device: str = "auto",
    network: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    omics: str | Sequence[str] | None = None,
    workers: int = 1,
    folder: str | PathLike[str] | None = None,
    finished: str | PathLike[str] | None = None,
    exchange: str | PathLike[str] | None = None,
    command: str = "pharmagraph.evaluate",
    report: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Fit models on folds of the data and score them on what was held out.

    Parameters
    ----------
    data
        An open store, or a heterograph of `export`.
    models
        Presets (``default``, ``fast``, ``drgt``, the path of a YAML file) and baselines
        (`model.baselines.BASELINES`).
    split, folds
        What a held-out fold is made of, and how many there are; ``transfer`` has one.
    only
        Folds to do, counted from 0; all unless given.
    drug_groups, cell_line_groups
        Entities that are held out together.
    train_on, test_on
        Of ``transfer``: the datasets that are trained on and tested.
    datasets
        Keep the responses of these; only where ``data`` is a store.
    task
        ``classification`` (sensitive or resistant) or ``regression`` (ln IC50, in ln µmol/l).
    seed, device
        Same seed, same folds and fits; ``auto`` takes a GPU where there is one.
    network, training
        Options that replace those of the presets.
    omics
        Models see these alone: expression, mutation, copy-number, tissue. All unless given.
    workers
        Processes over models and folds; the figures do not depend on it.
    folder
        Where rows, predictions, a table, a JSON and plots are kept; the same call again goes on from there.
    finished
        File that keeps finished folds; ``folds.jsonl`` of ``folder`` unless given.
    exchange
        Folder of files for drevalpy, of ln IC50: folds and predictions are written there, and a model
        ``drevalpy:NAME`` is read from there in place of being fitted.
    command
        Command that the folder's page names.
    report
        Called after each model and fold.

    Returns
    -------
    pandas.DataFrame
        One row a fold, model, metric and grouping: ``dataset``, ``split``, ``fold`` (from 0), ``model``, ``metric``,
        ``grouping`` (pooled, per_drug, per_cell_line and more) and ``value`` (of rmse in ln µmol/l, else unitless;
        NaN where it is not defined).

    Raises
    ------
    TypeError, InputError
        If an argument is of another type, or no value of its kind; it is named.
    ModelError
        Before anything is fitted: if there is no such model, a fold leaks, is empty or of one class.
    """
    import pandas as pd

    from pharmagraph.kg import heterograph as graphs
    from pharmagraph.model.evaluation import figures
    from pharmagraph.model.evaluation.plan import Plan
    from pharmagraph.model.reports.evaluation_folder import write_folder
    from pharmagraph.model.runtime import resolve_device

    names = arguments.texts("models", models)
    if report is not None:
        arguments.function("report", report)
    chosen = Split(arguments.one_of("split", split, [one.value for one in get_args(EvaluatedSplit)]))
    n_folds = 1 if chosen is Split.transfer else arguments.whole_number("folds", folds, least=2)
    if only is not None and not isinstance(only, Iterable):
        raise TypeError(f"only is of type {type(only).__name__}; give a list of whole numbers")
    numbers = sorted({arguments.whole_number("only", n, least=0) for n in only}) if only else None
    if numbers and numbers[-1] >= n_folds:
        raise ModelError(
            f"{named('only')} {numbers[-1]} is not among {n_folds} folds, which are counted from 0"
        )
    seen = arguments.texts("omics", omics) if omics is not None else None
    plan = Plan(
        chosen,
        n_folds,
        DrugGroups(arguments.one_of("drug_groups", drug_groups, [g.value for g in DrugGroups])),
        CellLineGroups(
            arguments.one_of("cell_line_groups", cell_line_groups, [g.value for g in CellLineGroups])
        ),
        train_on,
        test_on,
        cast(Task, arguments.one_of("task", task, get_args(Task))),
        arguments.seed(seed),
        resolve_device(device),
        {
            "training": arguments.options("training", training),
            "network": arguments.options("network", network),
        },
        tuple(sorted({arguments.one_of("omics", o, OMICS) for o in seen})) if seen else None,
    )
    if isinstance(data, graphs.Heterograph):
        if datasets is not None:
            raise InputError("datasets are chosen when a heterograph is exported; give them to export")
        heterograph = data
    else:
        kept = arguments.texts("datasets", datasets) if datasets is not None else None
        heterograph = graphs.export(data, datasets=kept)
    place = Path(arguments.path("folder", folder)) if folder is not None else None
    if place is not None:
        folders.make(place)
    journal = Path(arguments.path("finished", finished)) if finished is not None else None
    if place is not None and journal is None:
        journal = place / "folds.jsonl"
    rows = figures.evaluate(
        heterograph, names, plan, only=numbers, workers=arguments.whole_number("workers", workers, least=1),
        finished=journal, predictions=place / "predictions" if place else None,
        exchange=Path(arguments.path("exchange", exchange)) if exchange is not None else None, report=report,
    )  # fmt: skip
    if place is not None:
        write_folder(place, heterograph, plan, names, rows, finished_folds=journal or place, command=command)
    return pd.DataFrame(rows, columns=list(COLUMNS))
