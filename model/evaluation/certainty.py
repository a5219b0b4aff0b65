"""Measures, on outer folds, whether intervals cover what they say, how wide they are, and what the flag is worth.

Beside ours stands the usual recipe in the same run: split conformal intervals on a random forest, with errors scaled by
a second forest (Lei et al., 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.baselines import BASELINES, Features, Problem
from pharmagraph.model.baselines.pair_features import pair_features
from pharmagraph.model.certainty.calibrate import calibrate
from pharmagraph.model.certainty.certainty import LEVELS
from pharmagraph.model.certainty.conformal import Scores
from pharmagraph.model.evaluation.certainty_figures import Predicted, class_figures, value_figures
from pharmagraph.model.evaluation.plan import Plan, Row
from pharmagraph.model.inputs.tensors import baseline_tensors
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.splits import Fold
from pharmagraph.model.runtime import give_back_memory, reproducible
from pharmagraph.model.training.expectation import with_expected
from pharmagraph.model.training.from_graph import fit_graph

FOREST = "random-forest"

TREES = 100
"""Of the forest that scales errors, as many as the other has."""


def evaluate_certainty(
    heterograph: Heterograph,
    models: Sequence[str],
    plan: Plan,
    *,
    only: Sequence[int] | None = None,
    fit_for: Split | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Row]:
    """Rows of every model and fold.

    Parameters
    ----------
    heterograph
        The graph.
    models
        Presets, and ``random-forest``, in regression.
    plan
        What is held out, and how models are fitted.
    only
        Folds to do, counted from 0; all unless given.
    fit_for
        The pairs for which presets are fitted: a run of `cli train` for random pairs also predicts new drugs. As held
        out unless given; the name of the model in rows tells it.
    report
        Called after each model and fold.

    Returns
    -------
    list of dict
        ``dataset``, ``task``, ``split``, ``fold``, ``model``, ``metric``, ``grouping``, ``n`` (pairs) and ``value``
        (`certainty_figures` says which).

    Raises
    ------
    ModelError
        If a forest is asked for classes, or a fold has too few pairs to be calibrated on.
    """
    if FOREST in models and plan.task == "classification":
        raise ModelError(f"{FOREST} has intervals of ln IC50 alone; use --task regression, or leave it out")
    measured, cut = plan.cut(heterograph)
    rows = []
    for number in only if only is not None else range(len(cut)):
        for model in models:
            of_fold = _predicted(heterograph, measured, cut[number], model, plan, fit_for)
            found = value_figures(of_fold) if plan.task == "regression" else class_figures(of_fold)
            at = {"dataset": plan.dataset(heterograph), "task": plan.task, "split": plan.split.value}
            as_asked = model == FOREST or fit_for in {None, plan.asked_as}
            name = model if as_asked else f"{model}, fitted for {fit_for}"
            rows += [{**at, "fold": number, "model": name, **row} for row in found]
            give_back_memory()
            if report is not None:
                report(f"{model}, fold {number}")
    return rows


@reproducible()
def _predicted(
    heterograph: Heterograph,
    measured: Responses,
    fold: Fold,
    model: str,
    plan: Plan,
    fit_for: Split | None,
) -> Predicted:
    """Predictions and intervals of a fold's held-out pairs by a model fitted to its training pairs."""
    training, test, groups = measured.take(fold.train), measured.take(fold.test), plan.groups(heterograph)
    test = test.take(test.certain(plan.task))  # a bound does not tell whether the response is inside
    tissue = heterograph.nodes["CellLine"]["tissue"].numpy()
    names = np.array([*heterograph.tissues, ""])  # the last is that of code -1
    if model == FOREST:
        features = Features.of(baseline_tensors(plan.seen(heterograph)))
        problem = Problem(training, features, plan.task, plan.asked_as, plan.seed, groups, plan.device)
        return _by_forest(problem, test, names[tissue[test.cell_line]])
    fitted = fit_graph(
        plan.seen(heterograph), training, plan.config(heterograph, model), seed=plan.seed, task=plan.task,
        split=fit_for or plan.asked_as, groups=groups, device=plan.device,
    )  # fmt: skip
    training = with_expected(training, fitted.tensors)
    certainty = calibrate(fitted, training, tissue, seed=plan.seed, groups=groups, kinds=[plan.asked_as])
    if certainty is None or plan.asked_as not in certainty.calibrations:
        n = 0 if certainty is None else certainty.counts.get(plan.asked_as, 0)
        raise ModelError(
            f"{n} training pairs of {plan.dataset(heterograph)} can be hidden: too few to calibrate on"
        )
    calibration = certainty.calibrations[plan.asked_as]
    shape = (fitted.tensors.n_cell_lines, fitted.tensors.n_drugs)
    table = np.zeros(shape, np.float64)
    table[test.cell_line, test.drug] = predicted = fitted.predict(test.drug, test.cell_line).astype(
        np.float64
    )
    everything = certainty.situation(table, np.arange(shape[1]), np.arange(shape[0]))
    mask = np.zeros(shape, bool)
    mask[test.cell_line, test.drug] = True
    order = np.lexsort((test.drug, test.cell_line))  # as a mask takes them
    situation, test, predicted = everything.take(mask), test.take(order), predicted[order]
    intervals = [calibration.interval(situation, predicted, level) for level in LEVELS]
    side = "drug" if plan.split.of_unseen_drugs else "cell_line"
    distance, limit = getattr(situation, f"{side}_distance"), certainty.thresholds.get(side)
    return Predicted(
        test.label(plan.task).astype(np.float64), predicted, test.drug, names[tissue[test.cell_line]],
        [(i.low, i.high) for i in intervals], intervals[-1].probability,
        [i.answer for i in intervals if i.answer is not None], distance,
        None if limit is None else distance > limit, test.cell_line,
    )  # fmt: skip


def _by_forest(problem: Problem, test: Responses, tissue: np.ndarray) -> Predicted:
    """Split conformal intervals on a random forest; the pairs set aside are halved for scale and quantiles."""
    from sklearn.ensemble import RandomForestRegressor

    forest = BASELINES[FOREST]
    less, aside = problem.inner(0)
    options = forest.choose(less)
    ends = [np.concatenate(both) for both in ((aside.drug, test.drug), (aside.cell_line, test.cell_line))]
    predicted = forest.predict(less, options, *ends)
    of_aside, of_test = predicted[: len(aside)], predicted[len(aside) :]
    rows = pair_features(less, *ends, genes=False)
    entity = aside.drug if problem.split.of_unseen_drugs else aside.cell_line
    if problem.split is Split.random:
        entity = np.arange(len(aside))
    which = np.unique(entity, return_inverse=True)[1]  # of few, as of one tissue, both halves have some
    first = np.random.default_rng(problem.seed).permutation(int(which.max()) + 1)[which] % 2 == 0
    error = aside.ln_ic50 - of_aside
    scaled = RandomForestRegressor(TREES, min_samples_leaf=10, max_features=0.3, random_state=problem.seed)
    scaled.fit(rows.asked[: len(aside)][first], np.abs(error[first]))
    scale = np.maximum(scaled.predict(rows.asked), 1e-3)
    nothing = np.full((~first).sum(), -1)
    scores = Scores.of((error / scale[: len(aside)])[~first], nothing, nothing)
    group, width = np.zeros(len(test), np.int64), scale[len(aside) :]
    ends_of = []
    for level in LEVELS:
        low, high = scores.lower_quantile(group, (1 - level) / 2), scores.quantile(group, (1 + level) / 2)
        ends_of.append((of_test + width * low, of_test + width * high))
    return Predicted(
        test.ln_ic50.astype(np.float64), of_test, test.drug, tissue, ends_of, cell_line=test.cell_line
    )
