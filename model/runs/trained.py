"""Trains one run: store → heterograph → fit → held-out figures → folder → register. `cli train` calls it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from pharmagraph.kg import folders, runs, steps
from pharmagraph.kg import heterograph as graphs
from pharmagraph.kg.errors import ModelError, some
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.provenance import git_fingerprint
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import named, option
from pharmagraph.model import kernels, ranks, side_by_side
from pharmagraph.model.baselines import BASELINES, Features, Problem
from pharmagraph.model.baselines.problem import fit_predict
from pharmagraph.model.certainty.calibrate import calibrate
from pharmagraph.model.certainty.certainty import LEVEL, Certainty
from pharmagraph.model.inputs.edits import with_omics
from pharmagraph.model.inputs.tensors import (
    baseline_tensors,
    cell_lines_without_features,
    drugs_without_features,
    network_tensors,
)
from pharmagraph.model.metrics.scores import score
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses import leakage as leaks
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses, dataset_name, require_two_classes, responses
from pharmagraph.model.responses.scale import Scale
from pharmagraph.model.responses.splits import Fold, folds
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.attention_tables import attention_tables, unused_attention
from pharmagraph.model.runs.learning_curve import EPOCH
from pharmagraph.model.runs.pilots_hidden import calibrated_with_pilots
from pharmagraph.model.runs.response_attention import response_tables
from pharmagraph.model.runs.same_training import require_same_training
from pharmagraph.model.runtime import reproducible, resolve_device
from pharmagraph.model.targets.run import enough_targets, fit_run
from pharmagraph.model.training.ensemble import Progress
from pharmagraph.model.training.expectation import with_expected
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.fitting import NO_FIGURE
from pharmagraph.model.training.from_graph import fit_graph
from pharmagraph.model.training.gene_effects import gene_effects, variance_through_genes
from pharmagraph.model.training.response_null import association_q
from pharmagraph.model.training.unfinished import Unfinished


@dataclass(frozen=True)
class Trained:
    """A run that was trained and registered.

    Attributes
    ----------
    run_id
        Its id in the register.
    folder
        Of its weights, its graph and the attention of every edge.
    figures
        ``metric``, ``grouping``, ``model`` (value of the network) and ``additive`` (of the baseline) on the
        held-out pairs; empty when nothing was held out.
    n_training, n_held_out
        Pairs.
    fitted
        The response network.
    gene_attention
        Where the attention of drugs to genes comes from: ``targets`` (fitted to known targets), ``network`` (the
        response network's own) or ``none``.
    lacking
        If it is ``targets``: kinds of evidence of which the graph has none, as `PairEvidence.lacking`.
    unused_attention
        Relations, as ``CellLine→Gene``, whose attention has no part in the predictions, each with the reason.
    through_genes
        Share of what sets cell lines apart for a drug that comes through single genes (`variance_through_genes`); None
        where the networks have no gene part.
    """

    run_id: str
    folder: Path
    figures: list[dict[str, Any]]
    n_training: int
    n_held_out: int
    fitted: Fitted
    gene_attention: str
    lacking: tuple[str, ...]
    unused_attention: dict[str, str]
    through_genes: float | None = None


@steps.staged
@reproducible()
def train(
    store: GraphStore,
    config: Config,
    *,
    folder: Path,
    datasets: Sequence[str] | None = None,
    split: Split = Split.random,
    task: Task = "classification",
    seed: int = 0,
    device: str = "auto",
    n_null: int = 0,
    report: Progress | None = None,
    stage: Callable[[str], None] = lambda what: None,
    workers: int | None = None,
) -> Trained:
    """Train on what a store holds and register the run.

    Parameters
    ----------
    store
        Open for writing.
    config
        A preset.
    folder
        In which the run's folder is made.
    datasets
        Ids of the datasets whose responses it is trained on; all of them unless given.
    split
        What is held out for the figures: one fold of five, or nothing.
    task, seed, device, report
        As in `model.training.fit`; ``auto`` takes a GPU if there is one.
    n_null
        Permutations of the responses for the q-values of attention to genes; 0 for none, else 2 or more.
    stage
        Called with the name of each stage.
    workers
        Networks that are fitted side by side, and cuts that are calibrated on; as many as there are cores unless given.

    Raises
    ------
    PharmagraphError
        Before training: if the store is open read-only or holds no responses or those of one class only, ``folder``
        cannot be made, nothing is known of a cell line that is to be predicted unseen, or q-values are asked of a run
        without attention to known targets or for response.
    """
    started = datetime.now(UTC)
    device, rank = resolve_device(device), ranks.rank()
    most = side_by_side.most_workers()
    workers = most if workers is None else min(workers, most)
    stage("reading the graph")
    if store.schema_version() is None or not store.counts()["Drug-TESTED_ON-CellLine"]:
        raise ModelError(f"{store.url} has no drug responses; load some first: cli ingest gdsc")
    if rank.leads:
        runs.require_writable(store)
    heterograph = graphs.export(store, datasets=datasets)
    measured = responses(heterograph, task)
    fold = _one_fold(measured, heterograph, split)
    training, held_out = measured.take(fold.train), measured.take(fold.test)
    require_two_classes(training, task, "the training responses")
    twins = Groups.of(heterograph)
    heterograph = with_omics(
        heterograph, config.network.omics
    )  # after folds and twins, which do not depend on it
    tensors = network_tensors(heterograph, config.network)
    bare = cell_lines_without_features(heterograph, tensors)
    if bare and split.of_unseen_cell_lines:
        raise ModelError(
            f"{some(bare)}: neither omics nor a similar cell line is known, so they cannot be predicted unseen; "
            f"add expression and ingest again, or use {option('split', 'random')}"
        )
    bare = drugs_without_features(heterograph, tensors)
    if bare and split.of_unseen_drugs:
        raise ModelError(
            f"{some(bare)}: neither a structure nor a similar drug is known, so they cannot be predicted unseen; "
            f"add SMILES and ingest again, or use {option('split', 'random')}"
        )
    attends_targets = config.targets is not None and enough_targets(heterograph)
    if n_null and not attends_targets and not config.network.uses_gene_part:
        why = (
            "its preset has no section targets"
            if config.targets is None
            else "the graph has no known targets"
        )
        raise ModelError(
            f"{named('n_null')} needs attention to known targets or for response, and this run has none: {why}, and "
            "its networks have no gene part (preset default has one)"
        )
    folders.require_possible(folder)
    groups, asked_as = twins.of_split(heterograph, split), split.asked_as
    audit = _audit(heterograph, measured, fold, split, twins)
    if training.bounds is not None:
        stage("expectations of censored values")
        training = with_expected(training, tensors)
    fingerprints = {"git_fingerprint": git_fingerprint(), "data_fingerprint": heterograph.fingerprint()}
    what = {
        **fingerprints, "config": config.model_dump(mode="json"), "seed": seed, "split": split.value, "task": task,
        "device": device, "torch": torch.__version__, "kernels": kernels.status(),
    }  # fmt: skip
    if not rank.alone:
        what["ranks"] = rank.size
        require_same_training(what)
    targets = None
    if attends_targets and config.targets is not None:
        targets = fit_run(
            heterograph, tensors, training, Scale.of(training, task), config.targets,
            seed=seed, n_null=n_null if rank.leads else 0, advance=stage,
            workers=workers if rank.alone else 1,
        )  # fmt: skip
    unfinished = Unfinished(folder, what) if rank.leads else None
    begun = unfinished is not None and unfinished.begun
    stage("going on with the training that was cut off" if begun else "training")
    if device == "cuda" and not rank.alone:
        device = f"cuda:{rank.on_machine}"
    fitted = fit_graph(
        heterograph, training, config, seed=seed, task=task, split=asked_as, groups=groups, device=device,
        tensors=tensors, targets=targets, report=_noted(report, in_turn=workers == 1 or not rank.alone),
        unfinished=unfinished, workers=workers,
    )  # fmt: skip
    stage("calibrating")
    tissue = heterograph.nodes["CellLine"]["tissue"].numpy()
    certainty = calibrate(fitted, training, tissue, seed=seed, groups=groups, workers=workers)
    if certainty is not None:
        certainty = calibrated_with_pilots(
            certainty, fitted, training, tissue, seed=seed, groups=groups, workers=workers
        )
    stage("predicting")
    problem = Problem(training, Features.of(tensors), task, asked_as, seed, groups)
    figures = _figures(fitted, problem, held_out)
    predictions = _predictions(fitted, heterograph, measured, certainty)
    tables = attention_tables(fitted, heterograph)
    source = "network" if ("Drug", "Gene") in tables else "none"
    if targets is not None:
        tables["Drug", "Gene"] = targets.table(heterograph)
        source = "targets"
    through_genes = None
    if (effects := gene_effects(fitted)) is not None:
        through_genes = variance_through_genes(fitted, effects)
        q = None
        if n_null:
            q = association_q(
                fitted.tensors, fitted.messages.visible, effects.pairs,
                n_permutations=n_null, seed=seed, advance=stage,
            )  # fmt: skip
        for_response = response_tables(effects, heterograph, q)
        of_targets = {"Drug", "Gene"} if targets is not None else set()
        for ends, table in for_response.items():
            both = [tables[ends], table] if set(ends) == of_targets else [table]
            tables[ends] = pa.concat_tables(both, promote_options="default")
    unused = {
        "→".join(ends): why for ends, why in unused_attention(fitted, tables, gene_attention=source).items()
    }
    run = {
        "preset": config.preset,
        "config": config.model_dump(mode="json"),
        "seed": seed,
        "split": split.value,
        "metrics": {f"{f['metric']} {f['grouping']}": _finite(f["model"]) for f in figures}
        | {f"additive {f['metric']} {f['grouping']}": _finite(f["additive"]) for f in figures},
        "gene_attention": source,
        "unused_attention": unused,
        "datasets": dataset_name(heterograph).split("+"),
        **fingerprints,
        "device": f"{device}, {kernels.status().get(device.split(':')[0], '')}".rstrip(", "),
        "started_at": started.isoformat(timespec="seconds"),
    }
    stage("writing the run")
    name = f"{Path(config.preset).stem}-{started:%Y%m%d-%H%M%S}-{seed}"
    new = not folder.exists()
    place = runs.new_folder(store, folder.resolve(), name)
    run = {"id": place.name, **run}
    try:
        saved.save(
            fitted,
            heterograph,
            training,
            place,
            about={k: v for k, v in run.items() if k != "config"}
            | {
                "task": task,
                "component_weights": fitted.component_weights(),
                "audit": [check.row() for check in audit],
            },
            certainty=certainty,
        )
        steps.write_so_far(place)
        runs.register(store, run, tables, predictions, folder=place, advance=stage)
    except BaseException:
        if place.name not in {row["id"] for row in runs.runs(store)}:
            shutil.rmtree(place, ignore_errors=True)
        if new:
            with suppress(OSError):  # another training writes there
                folder.rmdir()
        raise
    if unfinished is not None:
        unfinished.done()
    return Trained(
        place.name, place, figures, len(training), len(held_out), fitted, source,
        () if targets is None else targets.problem.evidence.lacking, unused, through_genes,
    )  # fmt: skip


def _noted(report: Progress | None, *, in_turn: bool) -> Progress:
    """The same, and each epoch is a step of the training, so that the run's folder has its learning curve."""
    begun = time.perf_counter()
    latest: dict[int, float] = {}

    def tell(member: int, epoch: int, value: float | None) -> None:
        now = time.perf_counter()
        before = latest.get(member, max(latest.values(), default=begun) if in_turn else begun)
        figure = {} if value is None or value == NO_FIGURE else {"figure": round(value, 6)}
        steps.happened(EPOCH, now - before, member=member, epoch=epoch, **figure)
        latest[member] = now
        if report is not None:
            report(member, epoch, value)

    return tell


def _one_fold(measured: Responses, heterograph: Heterograph, split: Split) -> Fold:
    if split is Split.none:
        return Fold(np.arange(len(measured)), np.empty(0, np.int64))
    return next(folds(measured, heterograph, split, 5))


def _audit(
    heterograph: Heterograph, measured: Responses, fold: Fold, split: Split, groups: Groups
) -> list[leaks.Check]:
    """The leak audit of the held-out fold; empty when nothing is held out."""
    if split is Split.none:
        return []
    checks = [
        *leaks.audit(measured, fold, heterograph, split, groups=groups),
        leaks.audit_features(heterograph, baseline_tensors),
    ]
    leaks.require_clear(checks, f"the held-out fold of {option('split', split.value)}")
    return checks


def _figures(fitted: Fitted, problem: Problem, held_out: Responses) -> list[dict[str, Any]]:
    if not len(held_out):
        return []
    held_out = held_out.take(held_out.certain(problem.task))
    if not len(held_out):
        return []
    label = held_out.label(problem.task)
    pairs = (held_out.drug, held_out.cell_line)
    network = score(label, fitted.predict(*pairs), *pairs, problem.task)
    additive = fit_predict(BASELINES["additive"], problem, *pairs)
    baseline = score(label, additive, *pairs, problem.task)
    return [
        {"metric": n["metric"], "grouping": n["grouping"], "model": n["value"], "additive": b["value"]}
        for n, b in zip(network, baseline, strict=True)
    ]


def _predictions(
    fitted: Fitted, heterograph: Heterograph, measured: Responses, certainty: Certainty | None
) -> pa.Table:
    """Predictions of every pair of a measured drug and a measured cell line, with intervals at `LEVEL`."""
    drugs, cell_lines = np.unique(measured.drug), np.unique(measured.cell_line)
    drug, cell_line = np.tile(drugs, len(cell_lines)), np.repeat(cell_lines, len(drugs))
    predicted = fitted.predict(drug, cell_line).astype(np.float64)
    columns = {"probability" if fitted.scale.task == "classification" else "ln_ic50": pa.array(predicted)}
    if certainty is not None:
        table = predicted.reshape(len(cell_lines), len(drugs))
        known = (certainty.tables["known_drugs"][drugs], certainty.tables["known_cell_lines"][cell_lines])
        found = certainty.intervals(certainty.situation(table, drugs, cell_lines), table, *known)
        ends = (
            {} if found.probability is None else {"calibrated": found.probability.ravel().astype(np.float64)}
        )
        ends |= {"low": found.low.ravel().astype(np.float64), "high": found.high.ravel().astype(np.float64)}
        given = np.isfinite(ends["low"])
        columns |= {name: pa.array(values, mask=~given) for name, values in ends.items()}
        columns["level"] = pa.array(np.full(len(drug), LEVEL), mask=~given)
    return pa.table(
        {
            "src": heterograph.names("Drug", drug),
            "dst": heterograph.names("CellLine", cell_line),
            **columns,
        }
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
