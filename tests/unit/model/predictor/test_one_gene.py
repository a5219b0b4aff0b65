"""A changed gene gives the similarities and predictions that the predictor computes from all genes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pharmagraph.kg.heterograph import Heterograph, Relation
from pharmagraph.model.evaluation.biomarkers.figures import predictor_of
from pharmagraph.model.inputs.changes import Change
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.predictor import Predictor
from pharmagraph.model.predictor.one_gene import OneGene
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.training.ensemble import fit
from tests.screens import screen

torch.set_num_threads(1)

COPY_NUMBER = ("CellLine", "COPY_NUMBER", "Gene")


def _with_copies(heterograph: Heterograph) -> Heterograph:
    """The graph with gains and losses of the first six genes."""
    lines, genes = np.nonzero(np.random.default_rng(3).random((heterograph.n_nodes("CellLine"), 6)) < 0.4)
    values = torch.from_numpy(np.where((lines + genes) % 2, 1.0, -1.0).astype(np.float32))
    ends = torch.from_numpy(lines), torch.from_numpy(genes)
    features = {"value": values, "dataset": torch.zeros(len(lines), dtype=torch.int64)}
    return heterograph.with_relation(COPY_NUMBER, Relation(*ends, features))


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    heterograph = _with_copies(screen())
    config = load_preset(
        "default",
        network={"axial": False, "factor_starts": 2},
        training={"epochs": 2, "members": 2, "factor_map_penalties": [100.0]},
    )
    tensors = network_tensors(heterograph, config.network)
    fitted = fit(tensors, responses(heterograph), config, seed=0, split=Split.unseen_cell)
    weights = {"gaussian_process": 0.75, "factors": 0.25}
    for member in fitted.members:
        blend = [weights[name] for name in member.network.components]
        member.network.component_weights.copy_(torch.tensor(blend))
    return predictor_of(fitted, heterograph, tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize(("kind", "gene"), [("expression", 0), ("expression", 7), ("mutation", 1)])
def test_a_changed_gene_is_what_the_predictor_makes_of_it(predictor: Predictor, kind: str, gene: int) -> None:
    line, symbol = 4, list(predictor.features.genes)[gene]
    value = -1.5 if kind == "expression" else 1.0
    change = Change(symbol, "expression" if kind == "expression" else "mutation", value)
    drug, expected = predictor.changed(2, line, change, gene)
    changes = OneGene(predictor)
    amount = value - float(changes.table(kind)[line, gene])
    found = changes.changed(line, kind, [9, gene], [0.5, amount])[1]
    assert found.similarities == pytest.approx(expected.similarities, abs=1e-5)
    assert found.genes == pytest.approx(expected.genes, abs=1e-5)
    assert np.abs(found.similarities).max() > 1e-4
    assert predictor.predict([drug], [found]) == pytest.approx(
        predictor.predict([drug], [expected]), abs=1e-6
    )


def test_copies_change_the_similarity_by_copies_alone(predictor: Predictor) -> None:
    changes = OneGene(predictor)
    line, gene = 4, 1
    before = predictor.features.omics(line)
    row = before.copy_number.copy()
    row[gene] += 2.0
    rows = predictor.features.cell_line_similarities
    expected = rows(replace(before, copy_number=row)) - rows(before)
    found = changes.changed(line, "copy_number", [gene], [2.0])[0]
    assert found.similarities == pytest.approx(expected, abs=1e-5) and found.features is None
