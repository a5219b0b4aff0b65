"""Figures with a group left out, against the figures computed anew, and the error against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmagraph.model.metrics.jackknife import auroc_without, r2_without, standard_error
from pharmagraph.model.metrics.scores import auroc, r2


@given(st.integers(0, 10_000), st.integers(2, 5), st.booleans())
def test_figures_without_a_group_are_those_of_the_rest(seed: int, n_groups: int, tied: bool) -> None:
    generator = np.random.default_rng(seed)
    n = int(generator.integers(n_groups, 60))
    label = (generator.random(n) < 0.4).astype(float)
    score = label + generator.normal(size=n)
    if tied:
        score = score.round()
    group = np.concatenate([np.arange(n_groups), generator.integers(0, n_groups, n - n_groups)])
    rest = [np.ones(n, bool), *(group != g for g in range(n_groups))]
    assert auroc_without(label, score, group) == pytest.approx(
        [auroc(label[kept], score[kept]) for kept in rest], nan_ok=True
    )
    value = generator.normal(5.0, 2.0, n)
    anew = [r2(value[kept], score[kept]) if kept.sum() > 1 else np.nan for kept in rest]
    assert r2_without(value, score, group) == pytest.approx(anew, nan_ok=True, rel=1e-6)


def test_one_class_has_no_figure() -> None:
    label, score, group = np.array([1.0, 1.0, 0.0]), np.array([0.3, 0.4, 0.2]), np.array([0, 1, 2])
    found = auroc_without(label, score, group)
    assert found[:3].tolist() == [1.0, 1.0, 1.0] and np.isnan(found[3])


def test_error_is_the_spread_over_repeated_draws() -> None:
    generator = np.random.default_rng(0)
    figures, errors = [], []
    for _ in range(200):
        label = (generator.random(400) < 0.5).astype(float)
        found = auroc_without(label, label + generator.normal(size=400), np.arange(400) % 20)
        figures.append(found[0])
        errors.append(standard_error(found[1:]))
    assert np.mean(errors) == pytest.approx(np.std(figures), rel=0.2)
