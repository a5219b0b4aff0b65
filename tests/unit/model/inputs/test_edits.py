"""A change of a graph with whole profiles reaches the tensors, for genes with and without an edge."""

from __future__ import annotations

import pytest
import torch

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.changes import Change
from pharmagraph.model.inputs.edits import changed, with_new_cell_line, with_omics
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors
from tests.screens import screen

UNMEASURED = 29
"""The gene of the screen that no profile has."""


@pytest.fixture(scope="module")
def graph() -> Heterograph:
    return screen(whole=True)


def tensors(graph: Heterograph) -> GraphTensors:
    return graph_tensors(graph, n_expressed=5, n_neighbours=3)


def without_edge(graph: Heterograph, cell_line: int) -> int:
    """A measured gene to which a cell line has no edge."""
    edges = graph.relations["CellLine", "EXPRESSES", "Gene"]
    joined = set(edges.dst[edges.src == cell_line].tolist())
    return next(g for g in range(UNMEASURED - 1) if g not in joined)


def test_every_measured_gene_can_be_silenced_and_set(graph: Heterograph) -> None:
    gene, before = without_edge(graph, 3), tensors(graph).expression
    for value, expected in ((None, float(before[:, gene].min())), (2.5, 2.5)):
        after = tensors(changed(graph, Change("GENE", "expression", value), 0, 3, gene)).expression
        assert after[3, gene] == pytest.approx(expected)
        same = torch.ones_like(before, dtype=torch.bool)
        same[3, gene] = False
        assert torch.equal(after[same], before[same])
    assert torch.equal(tensors(graph).expression, before)
    with pytest.raises(ModelError, match="GENE029 has no expression"):
        changed(graph, Change("GENE029", "expression", None), 0, 3, UNMEASURED)


def test_a_new_cell_line_keeps_every_gene_that_was_measured(graph: Heterograph) -> None:
    genes = graph.ids["Gene"]
    z = {str(g): 0.001 * (n + 1) for n, g in enumerate(genes)} | {"ELSEWHERE": 3.0}
    new = tensors(with_new_cell_line(graph, z))
    assert torch.allclose(new.expression[-1, :UNMEASURED], 0.001 * torch.arange(1.0, UNMEASURED + 1))
    assert new.expression[-1, UNMEASURED] == 0
    assert torch.equal(new.expression[:-1], tensors(graph).expression)
    with pytest.raises(InputError, match="none of the 2 genes"):
        with_new_cell_line(graph, {str(genes[UNMEASURED]): 1.0, "ELSEWHERE": 3.0})


def test_omics_that_are_left_out_leave_no_profile(graph: Heterograph) -> None:
    left = with_omics(graph, ["mutation", "copy-number", "tissue"])
    assert not left.profiles and not tensors(left).expression.any()
    assert not tensors(left).expression_known.any() and tensors(graph).expression_known.sum() == UNMEASURED
    assert (left.nodes["CellLine"]["tissue"] == graph.nodes["CellLine"]["tissue"]).all()
    assert "expression" in with_omics(graph, ["expression"]).profiles
