"""Dropout by hashes of places: shares, gradients, seeds and threads."""

from __future__ import annotations

import pytest
import torch

from pharmagraph.model.layers.dropout import HashDropout

SIZE = (300, 501)  # more than one task's numbers, and no whole number of vectors


def test_kept_numbers_are_scaled_and_gradients_pass_where_they_were_kept() -> None:
    torch.manual_seed(0)
    x, gradient = torch.randn(SIZE, requires_grad=True), torch.randn(SIZE)
    out = HashDropout(0.3)(x)
    out.backward(gradient)
    kept = out != 0
    assert float(kept.float().mean()) == pytest.approx(0.7, abs=0.005)
    assert torch.allclose(out, torch.where(kept, x / 0.7, 0.0))
    assert x.grad is not None
    assert torch.allclose(x.grad, torch.where(kept, gradient / 0.7, 0.0))


def test_rows_and_columns_are_dropped_independently() -> None:
    torch.manual_seed(0)
    kept = (HashDropout(0.5)(torch.ones(400, 400)) != 0).float()
    off_diagonal = ~torch.eye(400, dtype=torch.bool)
    for table in (kept, kept.T):
        assert float(torch.corrcoef(table)[off_diagonal].std()) == pytest.approx(400**-0.5, rel=0.05)


def test_same_seed_drops_the_same_whatever_the_threads() -> None:
    threads, told = torch.get_num_threads(), []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            torch.manual_seed(5)
            told.append(HashDropout(0.5)(torch.ones(SIZE)))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(told[0], told[1])
    assert torch.equal(told[0], told[2])
    assert not torch.equal(told[0], HashDropout(0.5)(torch.ones(SIZE)))


def test_a_transposed_table_keeps_its_own_places() -> None:
    torch.manual_seed(0)
    x = torch.arange(1.0, 1 + 30 * 40).view(30, 40).T.requires_grad_()
    out = HashDropout(0.5)(x)
    assert torch.equal(out[out != 0], 2 * x[out != 0])


def test_evaluation_leaves_numbers_as_they_are_and_other_types_are_torchs() -> None:
    x = torch.randn(SIZE)
    assert HashDropout(0.5).eval()(x) is x
    assert HashDropout(0.0)(x) is x
    double = HashDropout(0.5)(torch.ones(SIZE, dtype=torch.float64))
    assert double.dtype is torch.float64
    assert set(double.unique().tolist()) == {0.0, 2.0}
