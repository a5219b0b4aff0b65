"""Training on drawn neighbours of a graph in mapped files: as on the whole graph, and without a pair's own edge."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.model.inputs.neighbourhoods import Incoming
from pharmagraph.model.kernels import Csr
from pharmagraph.model.networks.embedding import EmbeddingNetwork
from pharmagraph.model.training.sampled import NodePairs, fit_sampled

torch.set_num_threads(1)

N_DRUGS, N_CELL_LINES, N_GENES = 40, 40, 60
N_NODES = N_DRUGS + N_CELL_LINES + N_GENES


def planted(folder: Path, seed: int = 0) -> tuple[Incoming, Csr, torch.Tensor, NodePairs]:
    """Drugs and cell lines with edges to the genes of their family; a cell line is sensitive to drugs of its own.

    The graph in mapped files, the same in memory with its features, and the pairs.
    """
    generator = np.random.default_rng(seed)
    family = np.arange(N_NODES) % 2
    node = np.repeat(np.arange(N_DRUGS + N_CELL_LINES), 8)
    gene = N_DRUGS + N_CELL_LINES + 2 * generator.integers(0, N_GENES // 2, len(node)) + family[node]
    src, dst = np.concatenate([node, gene]), np.concatenate([gene, node])
    graph = Csr.from_edges(src, dst, N_NODES, N_NODES)
    feature = torch.from_numpy(generator.random((len(src), 1)).astype(np.float32))
    np.save(folder / "indptr.npy", graph.indptr.long().numpy())
    np.save(folder / "source.npy", graph.src.numpy())
    np.save(folder / "edge.npy", graph.edge_id.long().numpy())
    np.save(folder / "z.npy", graph.sort(feature).numpy())
    drug, cell_line = (part.ravel() for part in np.mgrid[:N_DRUGS, N_DRUGS : N_DRUGS + N_CELL_LINES])
    response = (family[drug] == family[cell_line]).astype(int)
    return Incoming.open(folder, "z"), graph, feature, NodePairs(drug, cell_line, response)


def on_the_whole(
    network: EmbeddingNetwork, graph: Csr, feature: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """States of all nodes and the last layer's attention, without blocks."""
    states = network.embedding.weight
    for conv, norm in zip(network.convs, network.norms, strict=True):
        states, attention = conv(states, graph, feature, return_attention=True)
        states = functional.relu(norm(states))
    return states, attention


@pytest.mark.parametrize("block_edges", [1, 100, 10**6])
def test_inference_in_blocks_is_the_forward_of_the_whole_graph(tmp_path: Path, block_edges: int) -> None:
    incoming, graph, feature, _ = planted(tmp_path)
    torch.manual_seed(0)
    network = EmbeddingNetwork(N_NODES, channels=4, edge_dim=1)
    filled = np.lib.format.open_memmap(
        tmp_path / "attention.npy", mode="w+", dtype=np.float32, shape=(graph.n_edges, 2)
    )
    states = network.states(incoming, block_edges=block_edges, attention=filled)
    whole, attention = on_the_whole(network, graph, feature)
    torch.testing.assert_close(states, whole.detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(torch.from_numpy(filled), attention.detach(), atol=1e-5, rtol=1e-4)
    assert network.training


def test_training_on_all_neighbours_is_training_on_the_whole_graph(tmp_path: Path) -> None:
    """Losses to 1e-5 and weights to 1e-4 after 8 steps, against a loop over the whole graph without any block."""
    incoming, graph, feature, pairs = planted(tmp_path)
    losses: list[float] = []
    fitted = fit_sampled(
        incoming, pairs, neighbours=(0, 0), channels=4, epochs=8, pairs_a_step=len(pairs), seed=3,
        learning_rate=0.01, embedding_rate=0.02, tell=lambda step, loss: losses.append(loss),
    )  # fmt: skip
    torch.manual_seed(3)
    network = EmbeddingNetwork(N_NODES, channels=4, edge_dim=1)
    network.embedding.sparse = False
    rest = [weight for name, weight in network.named_parameters() if name != "embedding.weight"]
    optimisers = [
        torch.optim.Adagrad([network.embedding.weight], lr=0.02),
        torch.optim.Adam(rest, lr=0.01),
    ]
    wanted = []
    for _ in range(8):
        states, _ = on_the_whole(network, graph, feature)
        output = network.of_pairs(states, torch.from_numpy(pairs.drug), torch.from_numpy(pairs.cell_line))
        loss = functional.binary_cross_entropy_with_logits(output, torch.from_numpy(pairs.response).float())
        network.zero_grad()
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        wanted.append(loss.item())
    assert losses == pytest.approx(wanted, abs=1e-5)
    assert wanted[-1] < wanted[0] - 0.005
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(fitted.network.state_dict()[name], weight, atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_few_neighbours_are_enough_to_predict_pairs_that_were_not_given(tmp_path: Path, task: str) -> None:
    incoming, _, _, pairs = planted(tmp_path)
    given = np.random.default_rng(0).random(len(pairs)) < 0.5
    response = pairs.response if task == "classification" else 7 - 3 * pairs.response
    training = NodePairs(pairs.drug[given], pairs.cell_line[given], response[given])
    found = []
    for _ in range(2):
        fitted = fit_sampled(
            incoming, training, neighbours=(4, 4), channels=8, epochs=6, pairs_a_step=64, seed=1, task=task,  # type: ignore[arg-type]
        )  # fmt: skip
        states = fitted.network.states(incoming)
        found.append(fitted.predict(states, pairs.drug[~given], pairs.cell_line[~given]))
    assert np.array_equal(*found)  # the same seed
    if task == "classification":
        assert roc_auc_score(pairs.response[~given], found[0]) > 0.9
    else:
        assert np.abs(found[0] - response[~given]).mean() < 1.0


def test_the_edge_of_a_pair_passes_no_message_while_the_pair_is_predicted(tmp_path: Path) -> None:
    """A graph of nothing but the pairs' own edges is, to every step, a graph without edges."""
    _, _, _, pairs = planted(tmp_path)
    src, dst = np.concatenate([pairs.drug, pairs.cell_line]), np.concatenate([pairs.cell_line, pairs.drug])
    losses: list[list[float]] = [[], []]
    for graph, noted in zip(
        (Csr.from_edges(src, dst, N_NODES, N_NODES), Csr.from_edges(src[:0], dst[:0], N_NODES, N_NODES)),
        losses,
        strict=True,
    ):
        fit_sampled(
            Incoming.of(graph), pairs, neighbours=(0, 0), channels=4, epochs=3, pairs_a_step=len(pairs),
            tell=lambda step, loss, noted=noted: noted.append(loss),  # type: ignore[misc]
        )  # fmt: skip
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("drug", "response", "said"),
    [
        ([0, N_NODES], [0, 1], rf"pairs\.drug: node {N_NODES} is not in the graph, which has {N_NODES}"),
        ([-1, 0], [0, 1], r"pairs\.drug: node -1 is not"),
        ([0, 1], [0, 2], r"pairs\.response: 2 is not 0 or 1; give classes, or the task regression"),
        ([], [], "pairs is empty"),
    ],
)
def test_pairs_that_do_not_fit_are_refused_in_one_line(
    tmp_path: Path, drug: list[int], response: list[int], said: str
) -> None:
    incoming, *_ = planted(tmp_path)
    pairs = NodePairs(np.array(drug, int), np.zeros(len(drug), int), np.array(response))
    with pytest.raises(ModelError, match=said):
        fit_sampled(incoming, pairs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"neighbours": (-1, 5)}, r"neighbours: \(-1, 5\) are no counts"),
        ({"neighbours": ()}, "neighbours: "),
        ({"neighbours": (10**12, 5)}, "neighbours: "),
        ({"pairs_a_step": 0}, "pairs_a_step: 0 is too few"),
        ({"response": np.array([1.0, np.nan]), "task": "regression"}, "response: nan is no finite float32"),
        ({"response": np.array([1.0, 1e300]), "task": "regression"}, "response: 1e\\+300 is no finite"),
        ({"cell_line": np.array([50])}, "arrays of 2, 1, 2 values"),
        ({"drug": np.array([0.5, 1.0])}, "pairs.drug: is float64"),
        ({"feature": np.nan}, "feature: an edge from place 0 on has one that is not finite"),
    ],
)
def test_what_would_fit_a_network_of_nan_or_none_is_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    incoming, *_ = planted(tmp_path)
    if "feature" in change:
        incoming = replace(incoming, feature=np.full(incoming.n_edges, change.pop("feature"), np.float32))
    given = {"drug": np.array([0, 1]), "cell_line": np.array([50, 51]), "response": np.array([0, 1])}
    pairs = NodePairs(**{name: change.pop(name, value) for name, value in given.items()})
    with pytest.raises(ModelError, match=said):
        fit_sampled(incoming, pairs, **change)


def test_files_of_other_types_and_a_pipe_are_refused(tmp_path: Path) -> None:
    planted(tmp_path)
    for name, change in (
        ("indptr", lambda a: a.astype(float)),
        ("source", lambda a: a[:, None]),
        ("edge", lambda a: a > 0),
        ("z", lambda a: a.astype(str)),
    ):
        before = np.load(tmp_path / f"{name}.npy")
        np.save(tmp_path / f"{name}.npy", change(before))
        with pytest.raises(InputError, match=rf"{name}\.npy: is .*; give "):
            Incoming.open(tmp_path, "z")
        np.save(tmp_path / f"{name}.npy", before)
    (tmp_path / "edge.npy").unlink()
    os.mkfifo(tmp_path / "edge.npy")
    with pytest.raises(InputError, match=r"edge\.npy: no file"):
        Incoming.open(tmp_path, "z")
