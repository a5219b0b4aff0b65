"""Fits four-parameter logistic curves to many dose–response series at once. Pure functions of arrays.

A curve is E(x) = E_inf + (E0 − E_inf) / (1 + exp(h (x − m))), with x the natural logarithm of the concentration. E0 and
E_inf are its ends in shares of the control, h is the Hill slope, and m lies in the middle between the ends.

The steps of Levenberg and Marquardt start at the best of a grid of m and h, for each of which the ends follow by linear
regression. A step moves all curves that are not done, each with a damping of its own; a parameter at its bound that
would leave it stays there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

E0 = (0.8, 1.2)
"""Bounds of the upper end: viability without drug is that of the control, within the noise of controls."""
E_INF = (0.0, 1.2)
"""Bounds of the lower end."""
HILL = (0.2, 8.0)
"""Bounds of the slope."""
BEYOND = np.log(100.0)
"""How far outside the tested concentrations the middle may be: a hundredfold."""

CHUNK = 2_000
"""Curves that one thread fits together; their arrays fit into a processor's cache."""
STEPS = 60
"""Most steps; nearly all curves need fewer than twenty."""
ENOUGH = 1e-9
"""Relative gain of a step in the sum of squares below which a curve is done."""

_MIDDLES = np.linspace(-0.4, 1.4, 19)
"""Middles of the grid, in shares of the tested range."""
_SLOPES = np.array([0.4, 0.8, 1.5, 3.0, 6.0])


@dataclass(frozen=True)
class Curves:
    """Parameters of fitted curves, each (n,).

    Attributes
    ----------
    e0, e_inf
        Ends for no drug and for any amount of it, in shares of the control.
    middle
        Natural logarithm of the concentration in the middle between the ends.
    hill
        Slope.
    """

    e0: Floats
    e_inf: Floats
    middle: Floats
    hill: Floats

    def at(self, x: Floats) -> Floats:
        """The curves at logarithms of concentrations, (n,) or (n, n_points)."""
        own = (self.e0, self.e_inf, self.middle, self.hill)
        e0, e_inf, middle, hill = own if x.ndim == 1 else (p[:, None] for p in own)
        result: Floats = e_inf + (e0 - e_inf) * _falling(hill * (x - middle))
        return result

    def crossing(self, level: Floats | float) -> Floats:
        """Logarithm of the concentration at which the curves are at a level; NaN where they never are."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = self.middle + np.log((self.e0 - level) / (level - self.e_inf)) / self.hill
        return found

    def mean(self, low: Floats, high: Floats) -> Floats:
        """Mean of the curves over logarithms of concentrations from ``low`` to ``high``: the normalised area."""
        rise = np.logaddexp(0, self.hill * (high - self.middle)) - np.logaddexp(
            0, self.hill * (low - self.middle)
        )
        result: Floats = self.e0 - (self.e0 - self.e_inf) * rise / (self.hill * (high - low))
        return result


def fit(x: Floats, y: Floats, weight: Floats, advance: Callable[[int], None] = lambda done: None) -> Curves:
    """Fit a curve to each series by least squares.

    Parameters
    ----------
    x
        Natural logarithms of concentrations, (n, n_points), at least two different ones in a row.
    y
        Viability in shares of the control, (n, n_points).
    weight
        1, or 0 where a row has no further point; x and y are finite there, too.
    advance
        Told how many curves are done whenever some more are.

    Returns
    -------
    Curves
        Local optima within the bounds.
    """
    parts = [slice(a, a + CHUNK) for a in range(0, len(x), CHUNK)]
    found: list[Floats] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for fitted in pool.map(lambda part: _fit(x[part], y[part], weight[part]), parts):
            found.append(fitted)
            advance(sum(map(len, found)))
    parameters = np.concatenate(found) if found else np.empty((0, 4))
    return Curves(parameters[:, 0], parameters[:, 1], parameters[:, 2], np.exp(parameters[:, 3]))


def _falling(z: Floats) -> Floats:
    """1 / (1 + exp(z)), without overflow."""
    result: Floats = 0.5 * (1 - np.tanh(0.5 * z))
    return result


def _bounds(x: Floats, weight: Floats) -> tuple[Floats, Floats]:
    low = np.where(weight > 0, x, np.inf).min(1) - BEYOND
    high = np.where(weight > 0, x, -np.inf).max(1) + BEYOND
    ends = [
        np.stack([np.full(len(x), v) for v in side]) for side in zip(E0, E_INF, np.log(HILL), strict=True)
    ]
    return tuple(np.stack([end[0], end[1], m, end[2]], 1) for end, m in zip(ends, (low, high), strict=True))  # type: ignore[return-value]


def _start(x: Floats, y: Floats, weight: Floats, lower: Floats, upper: Floats) -> Floats:
    """The best point of the grid; with m and h given, the ends are a linear regression, put inside their bounds."""
    low, high = lower[:, 2] + BEYOND, upper[:, 2] - BEYOND
    n = weight.sum(1)
    sum_y = (weight * y).sum(1)
    best = np.full(len(x), np.inf)
    found = np.empty((len(x), 4))
    for share in _MIDDLES:
        middle = low + share * (high - low)
        for slope in _SLOPES:
            s = _falling(slope * (x - middle[:, None])) * weight
            sum_s, sum_ss, sum_sy = s.sum(1), (s * s).sum(1), (s * y).sum(1)
            determinant = np.maximum(n * sum_ss - sum_s**2, 1e-9)
            fall = np.clip((n * sum_sy - sum_s * sum_y) / determinant, 0, E0[1])
            e_inf = np.clip((sum_y - fall * sum_s) / n, *E_INF)
            e0 = np.clip(e_inf + fall, *E0)
            error = (weight * (y - e_inf[:, None] - (e0 - e_inf)[:, None] * s) ** 2).sum(1)
            better = error < best
            best[better] = error[better]
            found[better] = np.stack([e0, e_inf, middle, np.full(len(x), np.log(slope))], 1)[better]
    return np.clip(found, lower, upper)


def _residuals(p: Floats, x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Residuals, the falling share and its argument, (n, n_points) each."""
    z = np.exp(p[:, 3, None]) * (x - p[:, 2, None])
    s = _falling(z)
    return weight * (p[:, 1, None] + (p[:, 0] - p[:, 1])[:, None] * s - y), s, z


def _fit(x: Floats, y: Floats, weight: Floats) -> Floats:
    """Parameters E0, E_inf, m and ln h, (n, 4)."""
    lower, upper = _bounds(x, weight)
    found = _start(x, y, weight, lower, upper)
    damping = np.full(len(x), 1e-2)
    left = np.arange(len(x))
    for _ in range(STEPS):
        if not len(left):
            break
        p, xs, ys, ws = found[left], x[left], y[left], weight[left]
        r, s, z = _residuals(p, xs, ys, ws)
        before = (r * r).sum(1)
        step = _step(p, r, s, z, ws, damping[left], lower[left], upper[left])
        tried = np.clip(p + step, lower[left], upper[left])
        tried[:, 1] = np.minimum(tried[:, 1], tried[:, 0])  # no drug makes cells grow
        after = (_residuals(tried, xs, ys, ws)[0] ** 2).sum(1)
        better = after < before
        found[left[better]] = tried[better]
        damping[left] = np.clip(damping[left] * np.where(better, 0.3, 5.0), 1e-9, 1e9)
        done = (better & (before - after <= ENOUGH * (before + 1e-12))) | (~better & (damping[left] > 1e6))
        left = left[~done]
    return found


def _step(
    p: Floats, r: Floats, s: Floats, z: Floats, weight: Floats, damping: Floats, lower: Floats, upper: Floats
) -> Floats:
    """A damped step of Gauss and Newton; parameters at a bound that the gradient would leave stay."""
    slope = (p[:, 0] - p[:, 1])[:, None] * s * (1 - s)
    jacobian = np.stack([s, 1 - s, slope * np.exp(p[:, 3, None]), -slope * z], 2) * weight[:, :, None]
    gradient = np.einsum("npk,np->nk", jacobian, r)
    free = ~(((p <= lower) & (gradient > 0)) | ((p >= upper) & (gradient < 0)))
    normal = np.einsum("npk,npl->nkl", jacobian, jacobian) * (free[:, :, None] & free[:, None, :])
    diagonal = np.einsum("nkk->nk", normal)
    ridge = np.where(free, damping[:, None] * np.maximum(diagonal, 1e-6), 1.0)
    normal[:, range(4), range(4)] = diagonal + ridge
    solved: Floats = np.linalg.solve(normal, -(gradient * free)[:, :, None])[:, :, 0]
    return solved
