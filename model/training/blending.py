"""Chooses, on inner folds, which networks of an ensemble stay and how much each of their components counts.

It changes no network: `ensemble.py` applies the choice. How one network is fitted is `fitting.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from scipy.special import expit
from torch import Tensor

from pharmagraph.model.metrics.calibration import best_threshold, curve
from pharmagraph.model.metrics.jackknife import auroc_without, r2_without, standard_error
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.inner_folds import held_out_sides
from pharmagraph.model.training.fitting import Fitting

N_GROUPS = 10
"""Largest number of groups that the jackknife cuts the set-aside drugs, cell lines or pairs into."""

SIGNIFICANCE = 0.05
"""Level at which component weights are called worse than the best ones (one-sided t-test)."""

Option = tuple[Tensor, int]
"""Component weights, and the position of an ensemble among those to choose from."""

OnInnerFold = tuple[Fitting, Tensor]
"""A network with the inner fold, and an ensemble's mean logits by component, (n_components, n_validation)."""


@dataclass(frozen=True)
class EnsembleChoice:
    """What the inner folds decided for all networks of an ensemble.

    Attributes
    ----------
    component_weights
        Weight of each component in the prediction, (n_components,), summing to 1.
    calibration
        Slope and intercept of the blended logit.
    kept
        Positions of the networks that stay.
    threshold
        Probability from which a pair is best called sensitive; for classes of random pairs alone.
    """

    component_weights: Tensor
    calibration: tuple[float, float]
    kept: list[int]
    threshold: float | None


def settled_weights(config: Config, task: Task, split: Split) -> dict[str, float] | None:
    """Component weights that the preset fixes for a task and a split; None where inner folds choose them."""
    return config.training.regression_weights.get(split.value) if task == "regression" else None  # type: ignore[call-overload]


def weights_on_inner_fold(fitting: Fitting) -> dict[str, float]:
    """Component → the weight that the inner fold of one network chooses for it."""
    chosen = blend([fitting]).component_weights.tolist()
    return dict(zip(fitting.network.components, chosen, strict=True))


def unneeded(components: Sequence[str], weights: Mapping[str, float]) -> list[str]:
    """The components without a weight; none where that leaves factors alone, which the steps of a fit do not train."""
    needed = [name for name in components if weights.get(name, 0.0) > 0]
    return [] if needed == ["factors"] else [name for name in components if name not in needed]


def blend(fittings: Sequence[Fitting]) -> EnsembleChoice:
    """Choose component weights that all networks share, and the networks that stay.

    One network's inner fold is a few cell lines where those are held out; weights chosen by each fold alone would be
    noise. So the weights nearest to the preset's expectation win that are not significantly worse than the best ones.
    Significance is by the jackknife over what is held out: whole drugs or cell lines, or sets of pairs where those are
    random. Where both drugs and cell lines are held out, both tests have to agree: the same few drugs on other cell
    lines are no evidence about other drugs.

    Networks with node states in the kernels of their Gaussian process compete in the same way with those without: all
    stay unless one kind alone is significantly better. Where pairs are random, class logits are then calibrated on the
    set-aside pairs.

    For ln IC50 of unseen entities the preset may settle the weights (``regression_weights``): R² of the few entities
    set aside shows whose means were guessed rather than which component predicts better.
    """
    outputs = [fitting.inner_outputs() for fitting in fittings]
    ensembles, folds = _ensembles(fittings)
    settings, task, split = fittings[0].config.training, fittings[0].scale.task, fittings[0].split
    settled = settled_weights(fittings[0].config, task, split)
    of_unseen = settings.expected_unseen_weights if split.of_unseen else None
    expected = settled or of_unseen or settings.expected_weights

    def on_fold(ensemble: Sequence[int], fold: int) -> OnInnerFold:
        members = [n for n in ensemble if fittings[n].pairs.number == fold]
        return fittings[members[0]], torch.stack([outputs[n] for n in members]).mean(0)

    by_ensemble = [[on_fold(ensemble, fold) for fold in folds] for ensemble in ensembles]
    candidates = candidate_weights(fittings[0].network.components, expected)
    options = [
        (weights, position)
        for weights in (candidates[:1] if settled else candidates)
        for position in range(len(ensembles))
    ]
    weights, position = _nearest_not_worse(options, by_ensemble)
    kept = ensembles[position]
    line, threshold = (1.0, 0.0), None
    if task == "classification" and not split.of_unseen:  # a few unseen entities are too few to calibrate on
        blended = [on_fold(kept, fold) for fold in sorted({fittings[n].pairs.number for n in kept})]
        label = np.concatenate([fitting.pairs.validation.response for fitting, _ in blended])
        logit = torch.cat([weights @ output for _, output in blended]).numpy()
        if settings.calibrate:
            line = curve(label, logit)
        threshold = best_threshold(label, expit(line[0] * logit + line[1]))
    return EnsembleChoice(weights, line, kept, threshold)


def _ensembles(fittings: Sequence[Fitting]) -> tuple[list[list[int]], list[int]]:
    """Sets of networks to choose between, all networks first, and the inner folds that every set has networks for."""
    everyone = list(range(len(fittings)))
    folds = sorted({fitting.pairs.number for fitting in fittings})
    uses_states = [fitting.config.network.process_states for fitting in fittings]
    alone = [[n for n in everyone if uses_states[n] == kind] for kind in sorted(set(uses_states))]
    shared = [
        fold for fold in folds if all(any(fittings[n].pairs.number == fold for n in one) for one in alone)
    ]
    return ([everyone, *alone], shared) if len(alone) > 1 and shared else ([everyone], folds)


def _nearest_not_worse(options: Sequence[Option], by_ensemble: Sequence[Sequence[OnInnerFold]]) -> Option:
    """The first option that is not significantly worse than the best one, by each ensemble's logits on inner folds."""
    reached = np.array(
        [_mean(f.figure(o, weights) for f, o in by_ensemble[position]) for weights, position in options]
    )
    if not np.isfinite(reached).any():
        return options[0]
    best = int(np.nanargmax(reached))
    of_best = [_figures_without(*on_fold, options[best][0]) for on_fold in by_ensemble[options[best][1]]]

    def is_worse(weights: Tensor, position: int) -> bool:
        of_this = [_figures_without(*on_fold, weights) for on_fold in by_ensemble[position]]
        by_fold = (
            [b - t for b, t in zip(*sides, strict=True)] for sides in zip(of_best, of_this, strict=True)
        )
        return all(_is_significant(side) for side in zip(*by_fold, strict=True))

    # most of the first options pass, so the jackknife is needed for few
    return next(one for n, one in enumerate(options) if reached[n] == reached[best] or not is_worse(*one))


def _is_significant(behind: Sequence[np.ndarray]) -> bool:
    """Whether figures are behind others at `SIGNIFICANCE`.

    Each array belongs to an inner fold: how far the figure is behind on all pairs, then without each group in turn.
    """
    usable = [fold[np.isfinite(fold)] for fold in behind if np.isfinite(fold[0])]
    usable = [fold for fold in usable if len(fold) > 2]  # a single group shows nothing
    if not usable:
        return False
    error = np.sqrt(sum(standard_error(fold[1:]) ** 2 for fold in usable)) / len(usable)
    freedom = sum(len(fold) - 2 for fold in usable)
    return bool(_mean(fold[0] for fold in usable) > stats.t.ppf(1 - SIGNIFICANCE, freedom) * error)


def _mean(figures: Iterable[float]) -> float:
    """Mean of the finite figures; NaN where there is none."""
    finite = [figure for figure in figures if np.isfinite(figure)]
    return float(np.mean(finite)) if finite else float("nan")


def _figures_without(fitting: Fitting, outputs: Tensor, weights: Tensor) -> list[np.ndarray]:
    """For each held-out side the figure on all pairs set aside, then with each group left out, (1 + n_groups,)."""
    task, aside = fitting.scale.task, fitting.pairs.validation
    predicted = fitting.scale.prediction(weights @ outputs).numpy().astype(np.float64)
    figure = auroc_without if task == "classification" else r2_without
    label = aside.label(task).astype(np.float64)
    return [figure(label, predicted, group) for group in _groups(fitting)]


def _groups(fitting: Fitting) -> list[np.ndarray]:
    """For each held-out side the jackknife's group of every pair set aside; arbitrary groups where pairs are random."""
    aside = fitting.pairs.validation
    sides = held_out_sides(aside, fitting.split, fitting.groups)
    return [np.unique(side, return_inverse=True)[1] % N_GROUPS for side in sides] or [
        np.arange(len(aside)) % N_GROUPS
    ]


def candidate_weights(components: Sequence[str], expected: Mapping[str, float]) -> list[Tensor]:
    """Component weights to choose from, in tenths; those nearest to what is expected come first and so win a tie.

    Where nothing is expected of any component, even weights are.
    """
    centre = np.array([expected.get(component, 0.0) for component in components])
    centre = centre / centre.sum() if centre.any() else np.full(len(components), 1 / len(components))
    tenths = [t for t in itertools.product(range(11), repeat=len(components)) if sum(t) == 10]
    tenths.sort(key=lambda t: float(((np.array(t) / 10 - centre) ** 2).sum()))
    return [torch.tensor(t) / 10 for t in tenths]
