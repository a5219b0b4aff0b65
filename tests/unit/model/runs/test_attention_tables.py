"""Which attention is written: that of the components that have a weight in the prediction, by their weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.explain.faithfulness.interventions import without_edges
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.runs.attention_tables import attention_tables, unused_attention
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.fitted import Fitted
from tests.screens import screen

torch.set_num_threads(1)

RELATIONAL_ALONE = {("Drug", "Gene"), ("CellLine", "Gene"), ("Drug", "CellLine")}
BETWEEN_SIMILAR = {("Drug", "Drug"), ("CellLine", "CellLine")}


def _fit(
    preset: str, training: dict[str, object] | None = None, **network: object
) -> tuple[Fitted, Heterograph]:
    heterograph = screen()
    config = load_preset(
        preset,
        network={"channels": 8, "n_associated_genes": 6, **network},
        training={"epochs": 2, "untested_pairs": 50, "members": 2, **(training or {})},
    )
    tensors = network_tensors(heterograph, config.network)
    return fit(tensors, responses(heterograph), config, seed=0), heterograph


@pytest.fixture(scope="module")
def fast() -> tuple[Fitted, Heterograph]:
    return _fit("fast")


@pytest.fixture(scope="module")
def default() -> tuple[Fitted, Heterograph]:
    """With a relational component, no node states in the process and no genes beside messages."""
    weights = {"relational": 0.1, "axial": 0.2, "gaussian_process": 0.4}  # or the first would be left out
    return _fit(
        "default", {"expected_weights": weights}, relational=True, process_states="never", process_genes=False,
        gene_part=False, factors=False,
    )  # fmt: skip


def _weigh(fitted: Fitted, weights: list[float]) -> None:
    for member in fitted.members:
        member.network.component_weights.copy_(torch.tensor(weights))  # type: ignore[operator]


def _pairs() -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(24), 20), np.tile(np.arange(20), 24)


@pytest.mark.parametrize(
    ("preset", "without"), [("fast", [0.0, 1.0]), ("default", [0.0, 0.5, 0.5])], ids=["fast", "default"]
)
def test_a_relation_without_a_table_changes_no_prediction(
    preset: str, without: list[float], request: pytest.FixtureRequest
) -> None:
    fitted, heterograph = request.getfixturevalue(preset)
    _weigh(fitted, without)
    tables = attention_tables(fitted, heterograph)
    absent = {ends for ends in RELATIONAL_ALONE if ends not in tables}
    assert {("Drug", "Gene"), ("CellLine", "Gene")} <= absent and tables.keys() >= BETWEEN_SIMILAR
    before = fitted.predict(*_pairs())
    relations = [r for r in ("cell_line_from_gene", "drug_from_gene") if r in fitted.messages.edges]
    less = fitted
    for relation in relations:
        none = torch.zeros(len(fitted.messages.edges[relation]), dtype=torch.bool)
        less = replace(less, messages=without_edges(less, relation, none))
    assert np.array_equal(less.predict(*_pairs()), before)
    _weigh(fitted, [0.4, *without[1:]])
    assert relations and not np.array_equal(
        replace(fitted, messages=less.messages).predict(*_pairs()), fitted.predict(*_pairs())
    )
    assert attention_tables(fitted, heterograph).keys() == RELATIONAL_ALONE | BETWEEN_SIMILAR


def test_each_relation_without_a_part_is_named_with_the_reason(
    fast: tuple[Fitted, Heterograph], default: tuple[Fitted, Heterograph]
) -> None:
    fitted, heterograph = fast
    _weigh(fitted, [0.0, 1.0])
    unused = unused_attention(fitted, attention_tables(fitted, heterograph), gene_attention="none")
    assert unused.keys() == RELATIONAL_ALONE
    assert set(unused.values()) == {
        "the component that attends there, relational, has weight 0 in the prediction"
    }
    by_targets = unused_attention(fitted, {}, gene_attention="targets")["Drug", "Gene"]
    assert by_targets == "fitted to known targets beside the network; preset fast does not predict from it"
    _weigh(fitted, [0.5, 0.5])
    assert not unused_attention(fitted, attention_tables(fitted, heterograph), gene_attention="network")
    fitted, heterograph = default
    _weigh(fitted, [0.0, 1.0, 0.0])  # not the Gaussian process, which attends to a drug's own responses, too
    unused = unused_attention(fitted, attention_tables(fitted, heterograph), gene_attention="none")
    assert unused["Drug", "CellLine"] == (
        "the components that attend there, relational, gaussian_process, have weight 0 in the prediction"
    )
    assert not BETWEEN_SIMILAR & unused.keys()


def test_states_that_a_gaussian_process_compares_are_not_passed_over(
    default: tuple[Fitted, Heterograph],
) -> None:
    fitted, heterograph = default
    _weigh(fitted, [0.0, 0.0, 1.0])
    states = replace(fitted, config=fitted.config.with_states("always"))
    tables = attention_tables(fitted, heterograph)
    for run, said in ((fitted, False), (states, True)):
        why = unused_attention(run, tables, gene_attention="none")["CellLine", "Gene"]
        assert why.endswith("only in the node states that gaussian_process compares") is said


def test_attention_of_one_component_is_written_as_it_is(fast: tuple[Fitted, Heterograph]) -> None:
    fitted, heterograph = fast
    for weights in ([0.3, 0.7], [1.0, 0.0]):
        _weigh(fitted, weights)
        table = attention_tables(fitted, heterograph)["CellLine", "Gene"]
        with torch.inference_mode():
            found = [m.network.states(fitted.tensors, fitted.messages)[1] for m in fitted.members]  # type: ignore[operator]
        expected = torch.stack([a["cell_line_from_gene"].mean(1) for a in found]).double().mean(0)
        assert table["weight"].to_numpy() == pytest.approx(expected.numpy(), abs=1e-12)


def test_between_similar_drugs_components_count_by_their_weights(fast: tuple[Fitted, Heterograph]) -> None:
    fitted, heterograph = fast
    _weigh(fitted, [0.3, 0.7])
    rows = attention_tables(fitted, heterograph)["Drug", "Drug"].to_pylist()
    by_hand: dict[tuple[str, str], float] = {}
    ids = heterograph.ids["Drug"]
    for member in fitted.members:
        network = member.network
        with torch.inference_mode():
            _, weights = network.states(fitted.tensors, fitted.messages)  # type: ignore[operator]
            axial = network.axial.attention(fitted.tensors, fitted.messages.visible)["drug_from_drug"]  # type: ignore[union-attr,operator]
        relational = (fitted.messages.edges["drug_from_drug"], weights["drug_from_drug"].mean(1))
        blend = np.zeros((24, 24))
        for share, (edges, weight) in ((0.3, relational), (0.7, axial)):
            np.add.at(blend, (edges.dst.numpy(), edges.src.numpy()), share * weight.numpy())
        blend /= blend.sum(1, keepdims=True)
        for dst, src in np.argwhere(blend > 0):
            pair = (ids[dst], ids[src])
            by_hand[pair] = by_hand.get(pair, 0) + blend[dst, src] / len(fitted.members)
    assert {(row["src"], row["dst"]) for row in rows} == by_hand.keys()
    assert all(row["weight"] == pytest.approx(by_hand[row["src"], row["dst"]], abs=1e-6) for row in rows)
