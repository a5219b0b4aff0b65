"""What a cell line has at each gene, against NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from pharmagraph.model.inputs.gene_features import FEWEST_CELL_LINES, GeneFeatures
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors
from pharmagraph.model.inputs.views import GENE_FEATURES
from tests.screens import screen, with_alterations

torch.set_num_threads(1)


def _tensors() -> GraphTensors:
    """All kinds; of cell line 4 no mutation, of 5 no copy number and of 6 no dependency is known."""
    tensors = graph_tensors(with_alterations(screen()), n_expressed=10, n_neighbours=5)
    expression, mutation = tensors.expression.clone(), tensors.mutation.clone()
    copy_number = tensors.copy_number.clone()
    mutation[4], copy_number[5] = 0, 0
    mutation[:, 0] = 0
    mutation[: FEWEST_CELL_LINES - 1, 0] = 1  # in too few cell lines
    expression[:, 1] = 0.5  # does not vary
    dependency = torch.randn(expression.shape, generator=torch.Generator().manual_seed(0))
    dependency[6], dependency[:, 3:] = 0, 0
    return replace(
        tensors, expression=expression, mutation=mutation, copy_number=copy_number, dependency=dependency
    )


def test_columns_are_the_genes_that_vary_and_are_known_in_enough_cell_lines() -> None:
    tensors = _tensors()
    features = GeneFeatures.of(tensors)
    found = list(zip(features.kind.tolist(), features.gene.tolist(), strict=True))
    expected = [
        (kind, gene)
        for kind, name in enumerate(GENE_FEATURES)
        for gene, column in enumerate(getattr(tensors, name).numpy().T)
        if np.count_nonzero(column) >= FEWEST_CELL_LINES and len(set(column)) > 1
    ]
    assert found == expected and {kind for kind, _ in found} == {0, 1, 2, 3}
    assert (1, 0) not in found and (0, 1) not in found
    assert len(features) == len(expected)


def test_values_are_deviations_from_the_mean_and_unknown_kinds_are_at_the_mean() -> None:
    tensors = _tensors()
    features = GeneFeatures.of(tensors)
    values = features.values(tensors)
    assert values.shape == (tensors.n_cell_lines, len(features))
    for at, (kind, gene) in enumerate(zip(features.kind.tolist(), features.gene.tolist(), strict=True)):
        table = getattr(tensors, GENE_FEATURES[kind]).numpy().astype(np.float64)
        expected = (table[:, gene] - table[:, gene].mean()) / table[:, gene].std()
        expected[~table.any(1)] = 0
        np.testing.assert_allclose(values[:, at], expected, atol=1e-5)
    assert not values[4, features.kind == 1].any() and values[4, features.kind == 2].any()
    assert not values[6, features.kind == 3].any() and values[5, features.kind == 3].any()
    assert not values[5, features.kind == 2].any() and values[5, features.kind == 1].any()


def test_a_later_cell_line_is_standardised_as_those_were_of_which_the_columns_are() -> None:
    tensors = _tensors()
    features = GeneFeatures.of(tensors)
    other = replace(tensors, expression=tensors.expression[:1] + 1)
    other = replace(other, mutation=tensors.mutation[:1], copy_number=tensors.copy_number[:1])
    other = replace(other, dependency=tensors.dependency[:1])
    before, after = features.values(tensors)[:1], features.values(other)
    of_expression = features.kind == 0
    expected = 1 / features.deviation[of_expression]
    torch.testing.assert_close((after - before)[0, of_expression], expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(after[:, ~of_expression], before[:, ~of_expression])


def test_a_graph_without_omics_has_no_columns() -> None:
    tensors = _tensors()
    nothing = torch.zeros_like(tensors.expression)
    kinds = dict.fromkeys(("expression", "mutation", "copy_number", "dependency"), nothing)
    tensors = replace(tensors, **kinds)
    features = GeneFeatures.of(tensors)
    assert len(features) == 0 and features.values(tensors).shape == (tensors.n_cell_lines, 0)
