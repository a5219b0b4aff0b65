"""Curves fitted to dose–response points agree with SciPy, and what cannot be told is flagged, not guessed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special

from pharmagraph.ingest.dose_response import logistic
from pharmagraph.ingest.dose_response.figures import Fitted, Series, fitted, growth_rate
from pharmagraph.ingest.dose_response.logistic import BEYOND, E0, E_INF, HILL, Curves, fit

DOSES = np.log(10 * 2.0 ** -np.arange(9.0)[::-1])
"""Nine two-fold dilutions down from 10 µmol/l."""


def curve(*, e_inf: float = 0.1, ln_middle: float = 0.0, hill: float = 1.5, e0: float = 1.0) -> Curves:
    return Curves(*(np.array([v]) for v in (e0, e_inf, ln_middle, hill)))


def one(y: np.ndarray, x: np.ndarray = DOSES, time_zero: float | None = None) -> Fitted:
    return fitted([Series("D", "C", x, np.asarray(y, np.float64), time_zero)])[0]


def exact(**parameters: float) -> np.ndarray:
    return curve(**parameters).at(DOSES[None])[0]


def test_points_on_a_curve_give_back_its_parameters() -> None:
    found = fit(DOSES[None], exact(e_inf=0.2, ln_middle=-0.7, hill=2.0)[None], np.ones((1, 9)))
    assert found.e0[0] == pytest.approx(1, abs=1e-4)
    assert found.e_inf[0] == pytest.approx(0.2, abs=1e-4)
    assert found.middle[0] == pytest.approx(-0.7, abs=1e-3)
    assert found.hill[0] == pytest.approx(2, abs=1e-2)


def test_no_curve_fits_noisy_points_better() -> None:
    generator = np.random.default_rng(0)
    n = 40
    truth = Curves(*(generator.uniform(a, b, n) for a, b in ((0.95, 1.05), (0, 0.6), (-4, 3), (0.4, 4))))
    x = np.tile(DOSES, (n, 1))
    y = truth.at(x) + generator.normal(0, 0.06, (n, 9))
    found = ((fit(x, y, np.ones_like(x)).at(x) - y) ** 2).sum(1)
    low = np.array([E0[0], E_INF[0], DOSES[0] - BEYOND, math.log(HILL[0])])
    high = np.array([E0[1], E_INF[1], DOSES[-1] + BEYOND, math.log(HILL[1])])
    for i in range(n):

        def residual(p: np.ndarray, i: int = i) -> np.ndarray:
            e0, e_inf = p[0], min(p[1], p[0])
            return np.asarray(e_inf + (e0 - e_inf) * special.expit(-np.exp(p[3]) * (x[i] - p[2])) - y[i])

        starts = [(1, 0.1, m, s) for m in (-2.5, -0.5, 1.5) for s in (-0.3, 0.8)]
        best = min(2 * optimize.least_squares(residual, s, bounds=(low, high)).cost for s in starts)
        assert found[i] <= best * 1.001 + 1e-6


def test_rows_of_different_length_are_fitted_as_alone() -> None:
    short = Series("A", "C", DOSES[:6], exact()[:6])
    long = Series("B", "C", np.repeat(DOSES, 3), np.repeat(exact(e_inf=0.3), 3))
    together = fitted([short, long])
    for found, alone in zip(together, [*fitted([short]), *fitted([long])], strict=True):
        assert (found.drug, found.n_points, found.flags) == (alone.drug, alone.n_points, alone.flags)
        assert found.ln_ic50 == pytest.approx(alone.ln_ic50) and found.auc == pytest.approx(alone.auc)


def test_figures_of_a_curve() -> None:
    found = one(exact(e_inf=0.2, ln_middle=-0.7, hill=2.0))
    true = curve(e_inf=0.2, ln_middle=-0.7, hill=2.0)
    ln_ic50 = optimize.brentq(lambda x: float(true.at(np.array([x]))[0]) - 0.5, -3, 3)
    area = integrate.quad(lambda x: float(true.at(np.array([x]))[0]), DOSES[0], DOSES[-1])[0] / (
        DOSES[-1] - DOSES[0]
    )
    assert (
        found.ln_ic50 == pytest.approx(ln_ic50, abs=1e-3) and found.censored is None and found.bound is None
    )
    assert found.auc == pytest.approx(area, abs=1e-4)
    assert (found.e_inf, found.hill) == (pytest.approx(0.2, abs=1e-3), pytest.approx(2, abs=0.02))
    assert found.r2 == pytest.approx(1) and found.flags == () and found.n_points == 9
    assert (found.lowest, found.highest) == (pytest.approx(10 / 256), pytest.approx(10))


def test_an_ic50_outside_the_tested_concentrations_is_a_bound() -> None:
    above = one(exact(ln_middle=3.0))
    assert above.ln_ic50 is None and above.flags == ("ic50_outside",)
    assert (above.censored, above.bound) == ("above", pytest.approx(math.log(10)))
    below = one(exact(ln_middle=-5.5, hill=0.8))
    assert below.ln_ic50 is None and "ic50_outside" in below.flags
    assert (below.censored, below.bound) == ("below", pytest.approx(DOSES[0]))


def test_a_drug_that_kills_half_at_most_has_no_ic50() -> None:
    found = one(exact(e_inf=0.6, ln_middle=-2))
    assert found.ln_ic50 is None and found.censored == "above" and found.flags == ("ic50_outside",)


def test_all_dead_at_every_concentration_is_a_bound_below_and_no_lack_of_response() -> None:
    found = one(np.full(9, 0.05))
    assert (found.ln_ic50, found.censored, found.flags) == (None, "below", ("ic50_outside",))


def test_noise_is_no_response() -> None:
    generator = np.random.default_rng(1)
    series = [Series(f"D{i}", "C", DOSES, 1 + generator.normal(0, 0.08, 9)) for i in range(200)]
    found = fitted(series)
    assert sum("no_response" in f.flags for f in found) > 190
    assert all(f.censored == "above" and f.ln_ic50 is None for f in found if "no_response" in f.flags)
    assert not any("poor_fit" in f.flags for f in found)


def test_a_response_that_no_curve_describes_is_a_poor_fit() -> None:
    assert one(np.array([1, 0.2, 1.1, 0.3, 0.9, 0.1, 0.9, 0.05, 0.1])).flags.count("poor_fit") == 1


def test_too_few_concentrations_are_not_fitted() -> None:
    found = one(np.repeat(exact()[:4], 3), np.repeat(DOSES[:4], 3))
    assert found.flags == ("too_few_points",) and found.n_points == 12
    assert {found.ln_ic50, found.auc, found.e_inf, found.hill, found.r2, found.censored} == {None}


def test_replicates_apart_are_flagged() -> None:
    x, y = np.tile(DOSES, 2), np.tile(exact(), 2)
    assert "replicates_apart" not in one(y, x).flags
    y[:9] += 0.35
    assert "replicates_apart" in one(y, x).flags


def test_growth_since_time_zero() -> None:
    true = curve(e_inf=0.1)
    found = one(exact(e_inf=0.1), time_zero=0.25)
    assert found.ln_gi50 is not None and found.ln_gr50 is not None
    assert float(true.at(np.array([found.ln_gi50]))[0]) == pytest.approx(0.25 + 0.75 / 2, abs=1e-3)
    left = float(true.at(np.array([found.ln_gr50]))[0])
    growth_rate = 2 ** (math.log2(left / 0.25) / math.log2(1 / 0.25)) - 1
    assert growth_rate == pytest.approx(0.5, abs=1e-3)
    assert one(exact(), time_zero=1.2).ln_gr50 is None  # the control did not grow


def test_growth_rates_of_counts_by_hand() -> None:
    """A control that doubles twice, from 1 to 4 cells: 2 cells have doubled once, half a cell is a loss of a half."""
    left, time_zero = np.array([4.0, 2.0, 1.0, 0.5, 0.0]) / 4, np.full(5, 1 / 4)
    assert growth_rate(left, time_zero) == pytest.approx([1, math.sqrt(2) - 1, 0, math.sqrt(0.5) - 1, -1])


def test_levels_of_nci_and_growth_rate_by_hand() -> None:
    """From 10 cells to 100 without a drug: GI50 leaves 55 cells, TGI 10, LC50 5."""
    true = curve(e_inf=0.01, hill=2.0)
    found = one(exact(e_inf=0.01, hill=2.0), time_zero=0.1)
    for x, left in ((found.ln_gi50, 0.55), (found.ln_tgi, 0.1), (found.ln_lc50, 0.05)):
        assert x is not None and float(true.at(np.array([x]))[0]) == pytest.approx(left, abs=1e-3)
    at_highest = float(true.at(DOSES[-1:])[0])
    assert found.gr_max == pytest.approx(2 ** (math.log2(at_highest / 0.1) / math.log2(10)) - 1, abs=1e-3)
    value = lambda x: 2 ** (math.log2(float(true.at(np.array([x]))[0]) / 0.1) / math.log2(10)) - 1  # noqa: E731
    mean = integrate.quad(value, DOSES[0], DOSES[-1])[0] / (DOSES[-1] - DOSES[0])
    assert found.gr_aoc == pytest.approx(1 - mean, abs=1e-3)


@pytest.mark.parametrize("time_zero", [None, 1.2])
def test_without_growth_of_the_control_there_are_no_growth_figures(time_zero: float | None) -> None:
    found = one(exact(), time_zero=time_zero)
    assert {found.ln_gi50, found.ln_tgi, found.ln_lc50, found.ln_gr50, found.gr_max, found.gr_aoc} == {None}


def test_a_drug_that_only_slows_growth_has_no_tgi_and_no_lc50() -> None:
    found = one(exact(e_inf=0.4), time_zero=0.2)
    assert found.ln_gi50 is not None and (found.ln_tgi, found.ln_lc50) == (None, None)


def test_progress_is_told_up_to_the_last_curve_and_order_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "CHUNK", 4)
    series = [Series(f"D{i}", "C", DOSES, exact(ln_middle=-1 + i / 5)) for i in range(10)]
    told: list[int] = []
    found = fitted(series, told.append)
    assert told == [4, 8, 10]
    assert [f.drug for f in found] == [s.drug for s in series]
    assert np.all(np.diff([f.ln_ic50 for f in found]) > 0)  # type: ignore[arg-type]


def test_no_series_give_no_figures() -> None:
    assert fitted([]) == []
