"""Fits models on training pairs of folds and predicts the held-out pairs, in this process or in several."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg import folders, steps
from pharmagraph.kg import heterograph as graphs
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.baselines import BASELINES, Features, Problem
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.inputs.tensors import baseline_tensors
from pharmagraph.model.metrics.calibration import best_threshold
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.splits import Fold
from pharmagraph.model.runtime import give_back_memory, reproducible
from pharmagraph.model.training.expectation import with_expected


@dataclass(frozen=True)
class Outcome:
    """The result of one model on one fold.

    Attributes
    ----------
    predicted
        Predictions of the held-out pairs in the fold's order, float64 (n_test,); NaN if nothing can be predicted.
    options
        Options that a baseline chose on inner folds; for presets, the weights of the network's components.
    seconds
        Time of fitting and predicting.
    threshold
        Probability from which a pair is called sensitive, chosen on inner folds; only for transfer between data sets.
    """

    predicted: np.ndarray
    options: Mapping[str, float]
    seconds: float
    threshold: float | None = None


@reproducible()
def predict_fold(
    heterograph: Heterograph,
    measured: Responses,
    fold: Fold,
    model: str,
    plan: Plan,
    features: Features | None = None,
) -> Outcome:
    """Fit a model on a fold's training pairs alone and predict the held-out pairs."""
    started = time.monotonic()
    training, test = measured.take(fold.train), measured.take(fold.test)
    groups = plan.groups(heterograph)
    if training.bounds is not None:
        training = with_expected(training, baseline_tensors(plan.seen(heterograph)))
    if model in BASELINES:
        features = features or Features.of(baseline_tensors(plan.seen(heterograph)))
        problem = Problem(training, features, plan.task, plan.asked_as, plan.seed, groups, plan.device)
        options = BASELINES[model].choose(problem)
        predicted = BASELINES[model].predict(problem, options, test.drug, test.cell_line)
        seconds = time.monotonic() - started
        return Outcome(predicted, options, seconds, _threshold(problem, model, options, plan))
    from pharmagraph.model.training.from_graph import fit_graph

    fitted = fit_graph(
        plan.seen(heterograph), training, plan.config(heterograph, model), seed=plan.seed, task=plan.task,
        split=plan.asked_as, groups=groups, device=plan.device,
    )  # fmt: skip
    predicted = fitted.predict(test.drug, test.cell_line).astype(np.float64)
    weights = {f"weight of {name}": weight for name, weight in fitted.component_weights().items()}
    threshold = fitted.threshold if plan.split is Split.transfer else None
    return Outcome(predicted, weights, time.monotonic() - started, threshold)


def _threshold(problem: Problem, model: str, options: Mapping[str, float], plan: Plan) -> float | None:
    """A baseline's `Outcome.threshold`."""
    if plan.split is not Split.transfer or plan.task == "regression":
        return None
    less, aside = problem.inner(0)
    return best_threshold(
        aside.response, BASELINES[model].predict(less, options, aside.drug, aside.cell_line)
    )


def in_turn(
    heterograph: Heterograph,
    measured: Responses,
    cut: Sequence[Fold],
    jobs: Sequence[tuple[int, str]],
    plan: Plan,
) -> Iterator[tuple[int, str, Outcome]]:
    """Fit the jobs one after the other, in this process."""
    wanted = any(model in BASELINES for _, model in jobs)
    features = Features.of(baseline_tensors(plan.seen(heterograph))) if wanted else None
    for number, model in jobs:
        outcome = predict_fold(heterograph, measured, cut[number], model, plan, features)
        yield _told(number, model, outcome)
        give_back_memory()


def _told(number: int, model: str, outcome: Outcome) -> tuple[int, str, Outcome]:
    steps.happened(
        "fit and predict a fold", outcome.seconds, fold=number, model=model, pairs=len(outcome.predicted)
    )
    return number, model, outcome


_worker: dict[str, Any] = {}
"""Graph, pairs, folds and features, which a worker process reads once."""


def _start_worker(folder: Path, plan: Plan) -> None:
    heterograph = graphs.load(folder)
    measured, cut = plan.cut(heterograph)
    features = Features.of(baseline_tensors(plan.seen(heterograph)))
    _worker.update(heterograph=heterograph, measured=measured, cut=cut, features=features, plan=plan)


def _work(number: int, model: str) -> tuple[int, str, Outcome]:
    heterograph, measured, plan = _worker["heterograph"], _worker["measured"], _worker["plan"]
    outcome = predict_fold(
        heterograph, measured, _worker["cut"][number], model, plan, features=_worker["features"]
    )
    give_back_memory()
    return number, model, outcome


def in_processes(
    heterograph: Heterograph,
    measured: Responses,
    cut: Sequence[Fold],
    jobs: Sequence[tuple[int, str]],
    plan: Plan,
    workers: int,
) -> Iterator[tuple[int, str, Outcome]]:
    """Fit the jobs in several processes; yields them in the order they finish."""
    workers = min(workers, len(jobs))
    with folders.temporary() as folder:
        graphs.save(heterograph, folder)
        give_back_memory()
        pool = ProcessPoolExecutor(
            workers,
            mp_context=get_context("spawn"),
            initializer=_start_worker,
            initargs=(folder, plan),
        )
        try:
            running = {pool.submit(_work, *job) for job in jobs}
            while running:
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield _told(*future.result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
