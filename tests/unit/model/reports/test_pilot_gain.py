"""The table of what pilots bring, on a tiny screen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.presets.choices import DrugGroups, Split
from pharmagraph.model.reports import pilot_gain
from tests.screens import screen

torch.set_num_threads(1)


@pytest.mark.once
@pytest.mark.parametrize("split", [Split.unseen_drug, Split.unseen_cell])
def test_pilots_are_judged_on_pairs_that_no_way_has_chosen(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pilot_gain, "COUNTS", (0, 2, 5))
    monkeypatch.setattr(pilot_gain, "N_JUDGED", 5)
    heterograph = screen(28, 26, measured=0.9)
    network = {**pilot_gain.WITHOUT, "channels": 8, "n_associated_genes": 6, "factors": False}
    changes = {"network": network, "training": {"members": 1, "epochs": 2}}
    plan = Plan(split, drug_groups=DrugGroups.alone, task="regression", changes=changes)
    measured, cut = plan.cut(heterograph)
    found = pilot_gain.of_fold(heterograph, measured, cut[0], plan, [5], n_exact=2)
    n = len(found["greedy", 0])
    assert n > 2 and (found["greedy", 0] == found["random", 0]).all()  # without pilots they are the same
    assert found["retrained, random", 5].shape == (n, 2)
    assert "Exact covariance of 2" in pilot_gain.table(split, [found])
    assert found["greedy", 5][:, 1].mean() < found["greedy", 0][:, 1].mean()
    # tested pairs are 90% of all, and genes are left out of the covariance
    assert found["exact", 5].shape == (2, 2) and (found["difference", 5][:, 0] < 0.25).all()
    page = pilot_gain.table(split, [found, found])
    assert f"| {2 * n} held-out" in page and "not run" in page and "nan" not in page
    assert all(np.isfinite(figures).all() for figures in found.values())
    held = found["random", 5][:, 2:]
    assert (
        held.shape == (n, 2) and (held[:, 0] >= 0).all() and (held[:, 0] <= 1).all() and held[:, 1].min() > 0
    )
    assert "| share inside 90% intervals, random |" in page and "inside 90% intervals, retrained" not in page
