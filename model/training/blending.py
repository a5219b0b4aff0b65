"""Chooses, on inner parts of the training pairs, which networks of an ensemble predict and what their parts count for.

How one network is fitted is `member.py`.
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
from pharmagraph.model.responses.inner_parts import held_out_sides
from pharmagraph.model.training.member import Fitting

N_GROUPS = 10
"""Groups of what an inner part holds out, at most, of which one is left out at a time."""


Try = tuple[Tensor, int]
"""Shares of the parts, and the place of an ensemble."""

OnPart = tuple[Fitting, Tensor]
"""A network that set an inner part aside, and what an ensemble's parts say of it, (n_parts, n_inner)."""


@dataclass(frozen=True)
class Blend:
    """What was chosen beside the shares and the calibration, which the networks keep.

    Attributes
    ----------
    kept
        Places of the networks that stay.
    threshold
        Probability from which a pair is best called sensitive; for classes of random pairs alone.
    """

    kept: list[int]
    threshold: float | None


def blend(fittings: Sequence[Fitting]) -> Blend:
    """Choose one set of shares of the parts for all networks, set it, and say which networks stay.

    One network's inner part is a few cell lines where those are held out; a choice for each by its own would be noise.
    So those shares win that are nearest to the preset's expectation and are not shown to be worse than the best, at 5%:
    by the jackknife over what is held out, whole drugs or cell lines, or parts of the pairs where those are random.
    Where both are held out, both have to show it: the same few drugs on other cell lines are no evidence of others.
    Networks with states in their kernels and those without are chosen between in the same way: all stay unless one kind
    is shown to be better alone. What the blend then says of classes is calibrated on the same pairs.

    Where the preset settles the shares, of ln IC50 of unseen entities, they are those: R² of the few entities of an
    inner part tells whose means were guessed, more than which part knows better.
    """
    outputs = [fitting.inner_outputs() for fitting in fittings]
    ensembles, inner_parts = _ensembles(fittings)
    settings, task, split = fittings[0].config.training, fittings[0].scale.task, fittings[0].split
    settled = settings.regression_weights.get(split.value) if task == "regression" else None  # type: ignore[call-overload]
    of_unseen = settings.expected_unseen_weights if split.of_unseen else None
    expected = settled or of_unseen or settings.expected_weights

    def said(ensemble: Sequence[int], part: int) -> OnPart:
        of_part = [n for n in ensemble if fittings[n].inner_number == part]
        return fittings[of_part[0]], torch.stack([outputs[n] for n in of_part]).mean(0)

    on_parts = [[said(ensemble, part) for part in inner_parts] for ensemble in ensembles]
    candidates = _shares(fittings[0].network.components, expected)  # type: ignore[arg-type]
    tried = [
        (shares, place)
        for shares in (candidates[:1] if settled else candidates)
        for place in range(len(ensembles))
    ]
    shares, place = _nearest_not_worse(tried, on_parts)
    ensemble = ensembles[place]
    line, threshold = (1.0, 0.0), None
    if task == "classification" and not split.of_unseen:  # else a few entities would say
        blended = [said(ensemble, part) for part in sorted({fittings[n].inner_number for n in ensemble})]
        label = np.concatenate([fitting.inner_validation.response for fitting, _ in blended])
        logit = torch.cat([shares @ output for _, output in blended]).numpy()
        if settings.calibrate:
            line = curve(label, logit)
        threshold = best_threshold(label, expit(line[0] * logit + line[1]))
    for fitting in fittings:
        fitting.network.component_weights.copy_(shares)  # type: ignore[operator]
        fitting.network.calibration.copy_(torch.tensor(line))  # type: ignore[operator]
    return Blend(ensemble, threshold)


def _ensembles(fittings: Sequence[Fitting]) -> tuple[list[list[int]], list[int]]:
    """Sets of networks to choose between, all of them first, and the inner parts that every set can be judged by."""
    everyone = list(range(len(fittings)))
    parts = sorted({fitting.inner_number for fitting in fittings})
    kinds = sorted({fitting.process_states for fitting in fittings})
    alone = [[n for n in everyone if fittings[n].process_states == kind] for kind in kinds]
    shared = [
        part for part in parts if all(any(fittings[n].inner_number == part for n in one) for one in alone)
    ]
    return ([everyone, *alone], shared) if len(kinds) > 1 and shared else ([everyone], parts)


def _nearest_not_worse(tried: Sequence[Try], on_parts: Sequence[Sequence[OnPart]]) -> Try:
    """The first that is not shown to be worse than the best, by what each ensemble says of the inner parts."""
    reached = np.array([_mean(f.figure(o, shares) for f, o in on_parts[place]) for shares, place in tried])
    if not np.isfinite(reached).any():
        return tried[0]
    best = int(np.nanargmax(reached))
    of_best = [_without(*on_part, tried[best][0]) for on_part in on_parts[tried[best][1]]]

    def shown_worse(shares: Tensor, place: int) -> bool:
        of_this = [_without(*on_part, shares) for on_part in on_parts[place]]
        by_part = (
            [b - t for b, t in zip(*sides, strict=True)] for sides in zip(of_best, of_this, strict=True)
        )
        return all(_shown_behind(side) for side in zip(*by_part, strict=True))

    # the first ones mostly pass, so few need the jackknife
    return next(one for n, one in enumerate(tried) if reached[n] == reached[best] or not shown_worse(*one))


def _shown_behind(behind: Sequence[np.ndarray]) -> bool:
    """Whether a figure is behind at 5%, by how far it is on each inner part, and without each group of one side."""
    told = [part[np.isfinite(part)] for part in behind if np.isfinite(part[0])]
    told = [part for part in told if len(part) > 2]  # a single group shows nothing
    if not told:
        return False
    error = np.sqrt(sum(standard_error(part[1:]) ** 2 for part in told)) / len(told)
    freedom = sum(len(part) - 2 for part in told)
    return bool(_mean(part[0] for part in told) > stats.t.ppf(0.95, freedom) * error)


def _mean(figures: Iterable[float]) -> float:
    """Of those that there are."""
    finite = [figure for figure in figures if np.isfinite(figure)]
    return float(np.mean(finite)) if finite else float("nan")


def _without(fitting: Fitting, outputs: Tensor, shares: Tensor) -> list[np.ndarray]:
    """By each held-out side: figure of a blend on an inner part, then with one group left out, (1 + n_groups,)."""
    task, inner = fitting.scale.task, fitting.inner_validation
    predicted = fitting.scale.prediction(shares @ outputs).numpy().astype(np.float64)
    figure = auroc_without if task == "classification" else r2_without
    target = inner.label(task).astype(np.float64)
    return [figure(target, predicted, group) for group in _groups(fitting)]


def _groups(fitting: Fitting) -> list[np.ndarray]:
    """The group of every pair of an inner part, by each side that it holds out; any where pairs are random."""
    inner = fitting.inner_validation
    sides = held_out_sides(inner, fitting.split, fitting.groups)
    return [np.unique(side, return_inverse=True)[1] % N_GROUPS for side in sides] or [
        np.arange(len(inner)) % N_GROUPS
    ]


def _shares(parts: Sequence[str], expected: Mapping[str, float]) -> list[Tensor]:
    """Shares to try, in tenths, the nearest to what is expected first so that they win a tie; even, if nothing is."""
    weight = np.array([expected.get(part, 0.0) for part in parts])
    weight = weight / weight.sum() if weight.any() else np.full(len(parts), 1 / len(parts))
    tenths = [t for t in itertools.product(range(11), repeat=len(parts)) if sum(t) == 10]
    tenths.sort(key=lambda t: float(((np.array(t) / 10 - weight) ** 2).sum()))
    return [torch.tensor(t) / 10 for t in tenths]
