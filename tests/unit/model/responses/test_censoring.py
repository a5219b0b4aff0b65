"""Bounds of responses: what is expected beyond them, how data sets are merged, and what judges a prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.responses.censoring import Bounds, beyond, tobit_loss
from pharmagraph.model.responses.inner_folds import InnerFold
from pharmagraph.model.responses.measured import Responses, joined, require_two_classes, responses
from pharmagraph.model.responses.scale import Scale
from tests.screens import screen

TESTED_ON = ("Drug", "TESTED_ON", "CellLine")


def pairs(ln_ic50: list[float], side: list[int]) -> Responses:
    value, n = np.array(ln_ic50, np.float32), len(side)
    bounds = Bounds(np.array(side, np.int8), value)
    return Responses(np.zeros(n, int), np.arange(n), np.full(n, np.nan, np.float32), value, 1, n, bounds)


def censored(heterograph: Heterograph, above: float) -> Heterograph:
    """The screen with ln IC50 above a value known as that bound."""
    tested = heterograph.relations[TESTED_ON]
    ln_ic50 = tested.features["ln_ic50"]
    side = (ln_ic50 > above).to(torch.int8)
    return heterograph.with_relation(
        TESTED_ON, tested.with_features({"ln_ic50": ln_ic50.clamp(max=above), "censored": side})
    )


@pytest.mark.parametrize(("side", "tail"), [(1, (0.4, np.inf)), (-1, (-np.inf, 0.4))])
def test_the_expectation_beyond_a_bound_is_that_of_the_truncated_normal(
    side: int, tail: tuple[float, float]
) -> None:
    mean, deviation = 1.0, 2.5
    bound = mean + 0.4 * deviation
    found, square = beyond(np.array([bound]), np.array([side]), np.array([mean]), np.array([deviation]))
    expected = stats.truncnorm(*tail, loc=mean, scale=deviation)
    assert found[0] == pytest.approx(expected.mean())
    assert square[0] == pytest.approx(expected.var() + (expected.mean() - mean) ** 2)


def test_far_beyond_a_bound_the_expectation_stays_finite_and_beyond() -> None:
    found, square = beyond(np.array([60.0]), np.array([1]), np.array([0.0]), np.array([1.0]))
    assert 60 < found[0] < 60.1 and np.isfinite(square[0])


def test_the_loss_of_a_bound_is_the_probability_of_being_beyond_it() -> None:
    output = torch.tensor([0.3, -2.0, 40.0], requires_grad=True)
    loss = tobit_loss(output, torch.tensor([1.0, 1.0, 1.0]), torch.tensor([1, -1, -1], dtype=torch.int8), 0.5)
    expected = [
        -stats.norm.logsf(1.0, 0.3, 0.5),
        -stats.norm.logcdf(1.0, -2.0, 0.5),
        -stats.norm.logcdf(1, 40, 0.5),
    ]
    assert loss.detach().numpy() == pytest.approx(np.array(expected), rel=1e-5)
    loss.sum().backward()
    assert torch.isfinite(output.grad).all()


def test_bounds_of_the_graph_are_read_and_a_graph_without_any_has_none() -> None:
    heterograph = screen()
    assert responses(heterograph, "regression").bounds is None
    whole = responses(heterograph, "regression")
    found = responses(censored(heterograph, 1.0), "regression")
    assert found.bounds is not None
    assert ((found.bounds.side == 1) == (whole.ln_ic50 > 1)).all()
    assert (found.certain("regression") == (whole.ln_ic50 <= 1)).all() and found.certain(
        "classification"
    ).all()
    rows = np.flatnonzero(found.bounds.side == 0)
    assert found.take(rows).bounds is None and found.take(np.arange(len(found))).bounds is not None


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ([(1.0, 0), (3.0, 1)], (1.0, 0)),  # a measured value wins over a bound
        ([(1.0, 1), (3.0, 1)], (3.0, 1)),
        ([(1.0, -1), (3.0, -1)], (1.0, -1)),
        ([(1.0, -1), (3.0, 1)], None),  # below 1 and above 3
        ([(2.0, 0), (4.0, 0)], (3.0, 0)),
    ],
)
def test_several_measurements_of_one_pair(
    measured: list[tuple[float, int]], expected: tuple[float, int] | None
) -> None:
    heterograph = screen(datasets=2)
    tested = heterograph.relations[TESTED_ON].take(torch.tensor([0, 0, 1, 2]))
    values = torch.tensor([m[0] for m in measured] + [0.5, -0.5])
    side = torch.tensor([m[1] for m in measured] + [0, 0], dtype=torch.int8)
    dataset = torch.tensor([0, 1, 0, 0])
    graph = heterograph.with_relation(
        TESTED_ON, tested.with_features({"ln_ic50": values, "censored": side, "dataset": dataset})
    )
    found = responses(graph, "regression")
    first = (found.drug == int(tested.src[0])) & (found.cell_line == int(tested.dst[0]))
    if expected is None:
        assert not first.any() and len(found) == 2
        return
    assert found.ln_ic50[first].tolist() == [expected[0]]
    assert (found.bounds.side[first].tolist() if found.bounds else [0]) == [expected[1]]


def test_pairs_that_are_joined_keep_their_bounds() -> None:
    both = joined(pairs([1, 2], [0, 0]).take(np.array([0, 1])), pairs([3, 4], [0, -1]))
    assert both.bounds is not None
    assert both.bounds.side.tolist() == [0, 0, 0, -1] and both.bounds.value.tolist() == [1, 2, 3, 4]


def test_bounds_of_labels_have_the_other_side() -> None:
    found = pairs([1.0, 3.0, 5.0], [0, 1, -1])
    scale = Scale("regression", mean=2.0, deviation=4.0)
    bounds = scale.bounds(found)
    assert bounds is not None
    assert bounds[0].tolist() == [0, -1, 1] and bounds[1].tolist()[1:] == [-0.25, -0.75]
    assert scale.bounds(replace(found, bounds=None)) is None and Scale("classification").bounds(found) is None


def test_a_censored_pair_judges_no_prediction() -> None:
    whole = pairs([1, 2, 3, 4], [0, 1, 0, 1])
    fold = InnerFold(whole, whole).judged("regression")
    assert fold.validation.ln_ic50.tolist() == [1, 3] and len(fold.training) == 4
    assert len(InnerFold(whole, whole).judged("classification").validation) == 4
    rest = whole.take(np.array([1, 3]))
    with pytest.raises(ModelError, match="2 pairs set aside for selection are all censored"):
        InnerFold(whole, rest).judged("regression")
    with pytest.raises(ModelError, match=r"are all censored \(2 pairs\)"):
        require_two_classes(rest, "regression", "the training responses")
