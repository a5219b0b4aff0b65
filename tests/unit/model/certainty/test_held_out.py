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
from pharmagraph.model.certainty.held_out import KINDS, RANDOM_CUTS, cuts, held_out
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.from_graph import fit_graph

pytestmark = pytest.mark.once

WHOLE = KINDS[1:]
"""Kinds of pairs of which a drug or a cell line is hidden as a whole."""

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


def _changed(pairs: Responses, rows: np.ndarray) -> Responses:
    """The same pairs, of which some have another response."""
    ln_ic50 = pairs.ln_ic50.copy()
    ln_ic50[rows] += 5
    return replace(pairs, ln_ic50=ln_ic50)


def test_responses_of_hidden_drugs_and_cell_lines_have_no_part_in_their_predictions(case: Case) -> None:
    _, pairs, fitted, groups = case
    first = cuts(pairs, groups, 0)[0]
    hidden = np.concatenate(list(first.hidden.values()))
    before = held_out(fitted, pairs, seed=0, groups=groups, kinds=WHOLE)
    after = held_out(fitted, _changed(pairs, hidden), seed=0, groups=groups, kinds=WHOLE)
    for kind in WHOLE:
        of_first = slice(len(first.hidden[kind]))  # the pairs that the first cut hides come first
        assert before[kind].drug[of_first].tolist() == pairs.drug[first.hidden[kind]].tolist()
        assert np.allclose(after[kind].label[of_first], before[kind].label[of_first] + 5, atol=1e-3)
        assert np.allclose(after[kind].output[of_first], before[kind].output[of_first], atol=1e-5)
        others = slice(len(first.hidden[kind]), None)  # they see what the first cut hides
        assert not np.allclose(after[kind].output[others], before[kind].output[others], atol=1e-3)


def test_responses_of_hidden_pairs_have_no_part_in_their_predictions(case: Case) -> None:
    _, pairs, fitted, groups = case
    found = held_out(fitted, pairs, seed=0, groups=groups, kinds=[Split.random])[Split.random]
    n = len(found) // RANDOM_CUTS
    at = {ends: row for row, ends in enumerate(zip(pairs.drug, pairs.cell_line, strict=True))}
    first = np.array([at[ends] for ends in zip(found.drug[:n], found.cell_line[:n], strict=True)])
    after = held_out(fitted, _changed(pairs, first), seed=0, groups=groups, kinds=[Split.random])[
        Split.random
    ]
    assert np.allclose(after.label[:n], found.label[:n] + 5, atol=1e-3)
    assert np.allclose(after.output[:n], found.output[:n], atol=1e-5)
    assert not np.allclose(after.output[n:], found.output[n:], atol=1e-3)


def test_every_drug_and_every_cell_line_is_hidden_once_with_its_group(case: Case) -> None:
    _, pairs, _, groups = case
    for end, group, kind in (
        (pairs.drug, groups.drug, Split.unseen_drug),
        (pairs.cell_line, groups.cell_line, Split.unseen_cell),
    ):
        hidden = [np.unique(group[end[cut.hidden[kind]]]) for cut in cuts(pairs, groups, 0)]
        assert np.sort(np.concatenate(hidden)).tolist() == np.unique(group[end]).tolist()
        for cut, those in zip(cuts(pairs, groups, 0), hidden, strict=True):
            assert not np.isin(group[end[cut.visible]], those).any()


def test_hiding_leaves_the_fitted_networks_as_they_were(case: Case) -> None:
    _, pairs, fitted, groups = case
    before = fitted.predict(pairs.drug, pairs.cell_line)
    held_out(fitted, pairs, seed=0, groups=groups)
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
    with pytest.raises(ModelError, match=f"needs 1,999 training pairs that can .* the run has {n:,}"):
        other.require(Split.random, 0.999)
