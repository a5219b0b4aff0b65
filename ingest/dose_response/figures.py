"""Tells the figures of fitted curves: IC50 or its bound, area, ends and slope, and flags for what cannot be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.dose_response.logistic import Curves, Floats, fit

LEAST = 5
"""Different concentrations that a curve needs: one more than it has parameters."""

HALF = 0.5
"""Level of the absolute IC50, in shares of the control."""

DROP = 0.2
"""Fall over the tested concentrations below which a drug has no response, in shares of the control. Set by hand."""

P = 0.05
"""Largest p of the F test against a constant with which a drug has a response."""

NOISE = 0.2
"""Largest standard deviation of points around a good fit, in shares of the control. Set by hand."""

APART = 0.2
"""Largest standard deviation of replicates that are not apart, in shares of the control. Set by hand."""

STEPS_OF_MEAN = 65
"""Points of a curve at which its GR values are averaged."""

FLAGS = ("too_few_points", "no_response", "ic50_outside", "poor_fit", "replicates_apart")


@dataclass(frozen=True)
class Series:
    """The points of one drug on one cell line.

    Attributes
    ----------
    drug, cell_line
        As the file has them first.
    x
        Natural logarithms of concentrations in µmol/l, (n_points,).
    y
        Viability in shares of the control, (n_points,).
    time_zero
        Viability when the drug was added, in the same unit; None if it is not known.
    """

    drug: str
    cell_line: str
    x: Floats
    y: Floats
    time_zero: float | None = None


@dataclass(frozen=True)
class Fitted:
    """What is known of one drug on one cell line.

    Attributes
    ----------
    drug, cell_line
        As in `Series`.
    ln_ic50
        ln µmol/l at which half of the control is left; None if that is outside the tested concentrations.
    censored
        ``above`` or ``below`` if ln IC50 is above or below ``bound``, or else None.
    bound
        The highest or the lowest tested concentration, ln µmol/l; None if ln IC50 is known.
    auc
        Mean of the curve over the logarithms of the tested concentrations; 1 without any effect.
    e_inf, hill, r2
        Lower end in shares of the control, slope, and explained share of the variance of the points.
    ln_gi50, ln_tgi, ln_lc50
        ln µmol/l at which growth since time zero is half of the control's, there is none, and half of what was there at
        time zero is left (Shoemaker, Nat. Rev. Cancer 6 (2006) 813); None without a time zero, or outside the tested
        concentrations.
    ln_gr50
        The same where the growth rate is half of the control's (Hafner et al., Nat. Methods 13 (2016) 521).
    gr_max, gr_aoc
        GR value of the curve at the highest tested concentration, and mean of 1 − GR over the logarithms of the tested
        concentrations; None without a time zero.
    n_points
        Points.
    lowest, highest
        Tested concentrations, µmol/l.
    flags
        Of `FLAGS`.
    """

    drug: str
    cell_line: str
    ln_ic50: float | None
    censored: str | None
    bound: float | None
    auc: float | None
    e_inf: float | None
    hill: float | None
    r2: float | None
    ln_gi50: float | None
    ln_tgi: float | None
    ln_lc50: float | None
    ln_gr50: float | None
    gr_max: float | None
    gr_aoc: float | None
    n_points: int
    lowest: float
    highest: float
    flags: tuple[str, ...]


def fitted(series: Sequence[Series], advance: Callable[[int], None] = lambda done: None) -> list[Fitted]:
    """Fit all series and tell their figures, in their order; ``advance`` is told how many curves are done."""
    enough = [len(np.unique(one.x)) >= LEAST for one in series]
    chosen = [one for one, yes in zip(series, enough, strict=True) if yes]
    found = iter(_figures(chosen, advance))
    return [next(found) if yes else _too_few(one) for one, yes in zip(series, enough, strict=True)]


def _too_few(one: Series) -> Fitted:
    flags = ("too_few_points", "replicates_apart") if _apart(one) else ("too_few_points",)
    low, high = np.exp([one.x.min(), one.x.max()]).tolist()
    return Fitted(
        one.drug,
        one.cell_line,
        *(None,) * 13,
        len(one.x),
        low,
        high,
        flags,
    )


def _figures(series: Sequence[Series], advance: Callable[[int], None]) -> list[Fitted]:
    if not series:
        return []
    x, y, weight = _padded(series)
    curves = fit(x, y, weight, advance)
    n = weight.sum(1)
    residual = (weight * (curves.at(x) - y) ** 2).sum(1)
    total = (weight * (y - ((weight * y).sum(1) / np.maximum(n, 1))[:, None]) ** 2).sum(1)
    low, high = x.min(1), x.max(1)  # what pads a row is a point of its own
    at_low, at_high = curves.at(low), curves.at(high)
    flat = (at_low - at_high < DROP) | (_p_of_constant(residual, total, n) > P)
    none = flat & (at_high >= HALF)
    ln_ic50 = _within(curves, np.full(len(n), HALF), low, high)
    ln_ic50[none] = np.nan  # the noise of a flat line is no crossing
    above, below = np.isnan(ln_ic50) & (none | (at_high >= HALF)), np.isnan(ln_ic50) & (at_low < HALF) & ~none
    noise = np.sqrt(residual / np.maximum(n - 4, 1))
    r2 = 1 - residual / np.maximum(total, 1e-12)
    t0 = np.array([np.nan if one.time_zero is None else one.time_zero for one in series])
    grows = (t0 > 0) & (t0 < 1)
    t0[~grows] = np.nan
    ln_gi50, ln_tgi, ln_lc50, ln_gr50 = (
        _within(curves, level, low, high) for level in ((1 + t0) / 2, t0, t0 / 2, t0 ** (1 - np.log2(1.5)))
    )
    gr_max = growth_rate(at_high, t0)
    gr_aoc = 1 - _mean_growth_rate(curves, low, high, t0) if grows.any() else t0
    area = curves.mean(low, high)
    rows = []
    for i, one in enumerate(series):
        flags = {
            "no_response": none[i], "ic50_outside": above[i] or below[i],
            "poor_fit": noise[i] > NOISE, "replicates_apart": _apart(one),
        }  # fmt: skip
        side = "above" if above[i] else "below" if below[i] else None
        rows.append(
            Fitted(
                one.drug, one.cell_line, _known(ln_ic50[i]), side,
                None if side is None else float(high[i] if side == "above" else low[i]),
                float(area[i]), float(curves.e_inf[i]), float(curves.hill[i]), float(r2[i]),
                _known(ln_gi50[i]), _known(ln_tgi[i]), _known(ln_lc50[i]), _known(ln_gr50[i]), _known(gr_max[i]),
                _known(gr_aoc[i]), len(one.x), float(np.exp(low[i])), float(np.exp(high[i])),
                tuple(name for name, raised in flags.items() if raised),
            )
        )  # fmt: skip
    return rows


def growth_rate(share: Floats, time_zero: Floats) -> Floats:
    """GR value, 2 to the number of doublings as a share of the control's, less 1 (Hafner et al. 2016).

    Parameters
    ----------
    share
        Viability in shares of the control.
    time_zero
        The same when the drug was added; GR is NaN where it is.
    """
    with np.errstate(divide="ignore"):  # where no cell is left
        doublings = np.log2(np.maximum(share, 0) / time_zero) / -np.log2(time_zero)
    found: Floats = np.exp2(doublings) - 1
    return found


def _mean_growth_rate(curves: Curves, low: Floats, high: Floats, time_zero: Floats) -> Floats:
    """Mean GR value of curves over the logarithms of concentrations, by Simpson's rule."""
    from scipy.integrate import simpson

    share = np.linspace(0, 1, STEPS_OF_MEAN)
    x = low[:, None] + share * (high - low)[:, None]
    found: Floats = simpson(growth_rate(curves.at(x), time_zero[:, None]), x=share, axis=1)
    return found


def _padded(series: Sequence[Series]) -> tuple[Floats, Floats, Floats]:
    """Points as rows of one length; the first point fills a row up, with weight 0."""
    n = np.array([len(one.x) for one in series], np.int64)
    width = int(n.max())
    weight = (np.arange(width) < n[:, None]).astype(np.float64)
    x, y = np.empty(weight.shape), np.empty(weight.shape)
    for row, one in enumerate(series):
        x[row], y[row] = one.x[0], one.y[0]
        x[row, : len(one.x)], y[row, : len(one.y)] = one.x, one.y
    return x, y, weight


def _within(curves: Curves, level: Floats, low: Floats, high: Floats) -> Floats:
    """Where the curves are at a level, between the tested concentrations; else NaN."""
    found = curves.crossing(level)
    inside: npt.NDArray[np.bool_] = (found >= low) & (found <= high)
    return np.where(inside, found, np.nan)


def _p_of_constant(residual: Floats, total: Floats, n: Floats) -> Floats:
    """p of the F test of the three parameters that a curve has beyond a constant."""
    from scipy.special import fdtrc

    left = np.maximum(n - 4, 1)
    with np.errstate(divide="ignore"):
        figure = np.maximum(total - residual, 0) / 3 / (residual / left)
    p: Floats = fdtrc(3, left, np.where(total > 1e-12, figure, 0))
    return p


def _apart(one: Series) -> bool:
    """Whether replicates at the same concentrations differ by more than `APART`."""
    _, group, size = np.unique(one.x, return_inverse=True, return_counts=True)
    degrees = len(one.x) - len(size)
    if not degrees:
        return False
    mean = np.bincount(group, one.y) / size
    return bool(((one.y - mean[group]) ** 2).sum() / degrees > APART**2)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
