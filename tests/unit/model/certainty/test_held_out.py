"""Hidden pairs are predicted without their responses, and a run's certainty is the same after it was saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pharmagraph.ingest.commands import synthetic
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph, export
from pharmagraph.kg.store import open_store
from pharmagraph.model.certainty.calibrate import calibrate
from pharmagraph.model.certainty.certainty import Certainty
from pharmagraph.model.certainty.held_out import CUTS, held_out
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.from_graph import fit_graph

pytestmark = pytest.mark.once

Case = tuple[Heterograph, Responses, Fitted, Groups]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    url = f"ladybug://{tmp_path_factory.mktemp('certainty')}/graph.lbug"
    synthetic(drugs=24, cells=20, genes=40, store=url, quiet=True)
    with open_store(url, read_only=True) as graph:
        heterograph = export(graph)
    pairs = responses(heterograph, "regression")
    config = load_preset(
        "default",
        network={"axial": False, "factor_starts": 1, "process_genes": False},
        training={"members": 1, "epochs": 2, "factor_map_penalties": [100.0]},
    ).model_copy(update={"targets": None})
    fitted = fit_graph(heterograph, pairs, config, seed=0, task="regression")
    return heterograph, pairs, fitted, Groups.of(heterograph)


@pytest.mark.parametrize("split", [Split.random, Split.unseen_drug])
def test_responses_of_hidden_pairs_have_no_part_in_their_predictions(case: Case, split: Split) -> None:
    _, pairs, fitted, _ = case
    before = held_out(fitted, pairs, split, seed=0, groups=None)
    assert before is not None
    first = np.arange(len(before) // CUTS)  # the pairs that the first cut hides
    of_first = set(zip(before.drug[first].tolist(), before.cell_line[first].tolist(), strict=True))
    changed = pairs.ln_ic50.copy()
    hidden = [ends in of_first for ends in zip(pairs.drug.tolist(), pairs.cell_line.tolist(), strict=True)]
    changed[hidden] += 5
    after = held_out(fitted, replace(pairs, ln_ic50=changed), split, seed=0, groups=None)
    assert after is not None
    some = first[: len(first) // 2]
    assert np.allclose(after.label[some], before.label[some] + 5, atol=1e-3)
    assert np.allclose(after.output[some], before.output[some], atol=1e-5)
    assert not np.allclose(after.output[len(first) * 2 :], before.output[len(first) * 2 :], atol=1e-3)


def test_hiding_leaves_the_fitted_networks_as_they_were(case: Case) -> None:
    _, pairs, fitted, _ = case
    before = fitted.predict(pairs.drug, pairs.cell_line)
    held_out(fitted, pairs, Split.unseen_both, seed=0, groups=None)
    assert np.array_equal(before, fitted.predict(pairs.drug, pairs.cell_line))


def test_a_saved_certainty_says_the_same_and_refuses_a_level_that_it_cannot_know(
    case: Case, tmp_path: Path
) -> None:
    heterograph, pairs, fitted, groups = case
    tissue = heterograph.nodes["CellLine"]["tissue"].numpy()
    one = calibrate(fitted, pairs, tissue, seed=0, groups=groups)
    assert one is not None
    one.save(tmp_path)
    other = Certainty.load(tmp_path)
    drugs, cell_lines = np.arange(24), np.arange(20)
    drug, cell_line = np.tile(drugs, 20), np.repeat(cell_lines, 24)
    table = fitted.predict(drug, cell_line).reshape(20, 24).astype(np.float64)
    found = []
    for certainty in (one, other):
        known = certainty.tables["known_drugs"], certainty.tables["known_cell_lines"]
        situation = certainty.situation(table, drugs, cell_lines)
        found.append(certainty.intervals(situation, table, *known))
    assert np.allclose(found[0].low, found[1].low, atol=1e-4)
    inside = (found[0].low <= table) & (table <= found[0].high)
    assert np.isfinite(found[0].low).all() and inside.mean() > 0.95
    n = one.counts[Split.random]
    with pytest.raises(ModelError, match=f"needs 1,999 held-out pairs, and the run has {n:,}"):
        other.require(Split.random, 0.999)
