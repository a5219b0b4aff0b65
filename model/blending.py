"""Chooses, on inner parts of the training pairs, which networks of an ensemble predict and what their parts count for.

How one network is fitted is `fitting.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from scipy.special import expit
from torch import Tensor

from model.calibration import best_threshold, curve
from model.fitting import UNSEEN, Fitting

PAIR_PARTS = 5
"""Parts of an inner part of random pairs over which blends are compared."""


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
    So those shares win that are nearest to the preset's expectation and are not shown to be worse than the best, by a
    paired t-test at 5% over the inner parts, or over fifths of them where pairs are random. A single part shows
    nothing. Networks with states in their kernels and those without are chosen between in the same way: all stay unless
    one kind is shown to be better alone. What the blend then says of classes is calibrated on the same pairs.
    """
    outputs = [fitting.inner_outputs() for fitting in fittings]
    ensembles, inner_parts = _ensembles(fittings)
    settings = fittings[0].config.training

    def said(ensemble: Sequence[int], part: int) -> tuple[Fitting, Tensor]:
        of_part = [n for n in ensemble if fittings[n].inner_number == part]
        return fittings[of_part[0]], torch.stack([outputs[n] for n in of_part]).mean(0)

    on_parts = [[said(ensemble, part) for part in inner_parts] for ensemble in ensembles]
    tried = [
        (shares, place)
        for shares in _shares(fittings[0].network.parts, settings.expected_shares)  # type: ignore[arg-type]
        for place in range(len(ensembles))
    ]
    figures = np.array(
        [[f for on_part in on_parts[place] for f in _figures(*on_part, shares)] for shares, place in tried]
    )
    shares, place = tried[_nearest_not_worse(figures[:, np.isfinite(figures).all(axis=0)])]
    ensemble = ensembles[place]
    line, threshold = (1.0, 0.0), None
    of_classes = fittings[0].scale.task == "classification"
    if of_classes and fittings[0].split not in UNSEEN:  # else a few entities would say
        blended = [said(ensemble, part) for part in sorted({fittings[n].inner_number for n in ensemble})]
        label = np.concatenate([fitting.inner_validation.label for fitting, _ in blended])
        logit = torch.cat([shares @ output for _, output in blended]).numpy()
        if settings.calibrate:
            line = curve(label, logit)
        threshold = best_threshold(label, expit(line[0] * logit + line[1]))
    for fitting in fittings:
        fitting.network.shares.copy_(shares)  # type: ignore[operator]
        fitting.network.calibration.copy_(torch.tensor(line))  # type: ignore[operator]
    return Blend(ensemble, threshold)


def _ensembles(fittings: Sequence[Fitting]) -> tuple[list[list[int]], list[int]]:
    """Sets of networks to choose between, all of them first, and the inner parts that every set can be judged by."""
    everyone = list(range(len(fittings)))
    parts = sorted({fitting.inner_number for fitting in fittings})
    kinds = sorted({fitting.kernel_states for fitting in fittings})
    alone = [[n for n in everyone if fittings[n].kernel_states == kind] for kind in kinds]
    shared = [
        part for part in parts if all(any(fittings[n].inner_number == part for n in one) for one in alone)
    ]
    return ([everyone, *alone], shared) if len(kinds) > 1 and shared else ([everyone], parts)


def _figures(fitting: Fitting, outputs: Tensor, shares: Tensor) -> list[float]:
    """Of parts of the inner part that can be told apart: of pairs five, of entities the one they are."""
    n = 1 if fitting.split in UNSEEN else PAIR_PARTS
    return [fitting.figure(outputs, shares, slice(start, None, n)) for start in range(n)]


def _nearest_not_worse(figures: np.ndarray) -> int:
    """The first row that is not shown to be worse than the best; figures are (n_tried, n_parts)."""
    if (n := figures.shape[1]) < 2:
        return 0
    behind = figures[figures.mean(axis=1).argmax()] - figures
    error = behind.std(axis=1, ddof=1) / np.sqrt(n)
    return int(np.flatnonzero(behind.mean(axis=1) <= stats.t.ppf(0.95, n - 1) * error)[0])


def _shares(parts: Sequence[str], expected: Mapping[str, float]) -> list[Tensor]:
    """Shares to try, in tenths, the nearest to what is expected first so that they win a tie; even, if nothing is."""
    weight = np.array([expected.get(part, 0.0) for part in parts])
    weight = weight / weight.sum() if weight.any() else np.full(len(parts), 1 / len(parts))
    tenths = [t for t in itertools.product(range(11), repeat=len(parts)) if sum(t) == 10]
    tenths.sort(key=lambda t: float(((np.array(t) / 10 - weight) ** 2).sum()))
    return [torch.tensor(t) / 10 for t in tenths]
