"""A fit by several processes ends as that of one, ends when one of them is lost, and goes on from there."""

from __future__ import annotations

import os
import signal
import socket
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model import ranks
from pharmagraph.model.layers import HashDropout
from pharmagraph.model.layers.pair_dropout import PairDropout, divide
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.ranks import ServedError
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.training import unfinished
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.from_graph import fit_graph
from pharmagraph.model.training.unfinished import Unfinished
from tests.ranks import on_ranks
from tests.screens import screen

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or torch.cuda.is_available(),
    reason="ranks of these tests are copies of the process",
)

WEIGHTS, PREDICTIONS = 5e-4, 5e-5
"""Largest differences from one process, in absolute terms; docs/cluster.md has the measured ones."""


@pytest.fixture(scope="module")
def graph() -> Heterograph:
    return screen()


def fast(**training: object) -> Config:
    config = load_preset(
        "fast",
        network={"channels": 8},
        training={"epochs": 3, "untested_pairs": 50, **training},
    )
    return config.model_copy(update={"targets": None})


def default(**training: object) -> Config:
    network = {
        "n_response_genes": 5,
        "n_screened_genes": 20,
        "axial_neighbours": 4,
        "axial_dropout": 0.3,
        "factor_starts": 1,
        "factor_rank": 4,
    }
    config = load_preset(
        "default",
        network=network,
        training={"epochs": 3, "members": 1, "untested_pairs": 50, **training},
    )
    return config.model_copy(update={"targets": None})


def drgt() -> Config:
    adjacency = {"gene_share": 1.0, "input_channels": 16, "head_channels": [8, 8]}
    return load_preset(
        "drgt-nci60",
        network={"heads": 2, "adjacency": adjacency},
        training={"epochs": 3, "validate_every": 2},
    )


def weights(fitted: Fitted) -> dict[str, torch.Tensor]:
    return {
        f"{number}/{name}": one.clone()
        for number, member in enumerate(fitted.members)
        for name, one in member.network.state_dict().items()
    }


@pytest.mark.parametrize(
    ("config", "task", "split", "size"),
    [
        (fast(), "classification", Split.random, 2),
        (default(), "classification", Split.random, 2),
        (default(), "regression", Split.unseen_drug, 3),
        (drgt(), "classification", Split.random, 2),
    ],
)
def test_several_processes_fit_what_one_fits(
    graph: Heterograph, tmp_path: Path, config: Config, task: Task, split: Split, size: int
) -> None:
    measured = responses(graph, task)
    told: dict[int, list[tuple[int, float | None]]] = {1: [], size: []}

    def fit(size: int) -> Fitted:
        return fit_graph(
            graph, measured, config, seed=3, task=task, split=split,
            report=lambda member, epoch, value: told[size].append((epoch, value)),
        )  # fmt: skip

    one = fit(1)
    several = on_ranks(size, tmp_path, lambda number: fit(size))
    expected, found = weights(one), weights(several)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert torch.allclose(found[name], values, rtol=0, atol=WEIGHTS), name
    drug, cell_line = np.divmod(np.arange(24 * 20), 20)
    assert np.abs(one.predict(drug, cell_line) - several.predict(drug, cell_line)).max() < PREDICTIONS
    assert [epoch for epoch, _ in told[size]] == [epoch for epoch, _ in told[1]]
    assert several.members[0].validation == pytest.approx(one.members[0].validation, abs=0.05)


def test_a_fit_that_lost_a_process_goes_on_to_the_same_bytes(
    graph: Heterograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "KEPT_EVERY", 0.0)
    config, measured = fast(), responses(graph)
    runs = tmp_path / "runs"
    told: list[int] = []

    def fit(number: int, kept: Unfinished | None, killed: bool = False) -> Fitted:
        def report(member: int, epoch: int, value: float | None) -> None:
            told.append(epoch)
            if killed and number == 1 and epoch == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        kept = kept if number == 0 else None
        return fit_graph(graph, measured, config, seed=3, report=report, unfinished=kept)

    whole = weights(on_ranks(2, tmp_path, lambda number: fit(number, None)))
    kept = Unfinished(runs, {"what": "this"})
    with pytest.raises(RuntimeError) as lost:
        on_ranks(2, tmp_path, lambda number: fit(number, kept, True))
    assert ranks.is_loss(lost.value)
    assert ranks.rank().alone  # so that the process can go on
    assert [file.name for file in runs.glob(".unfinished/*/network-*")] == ["network-0.ckpt"]
    told.clear()
    assert kept._lock is not None
    kept._lock.close()  # as at the end of the process
    kept = Unfinished(runs, {"what": "this"})
    found = weights(on_ranks(2, tmp_path, lambda number: fit(number, kept)))
    assert told[-1] == 3 and told[0] > 1
    assert found.keys() == whole.keys()
    for name, values in whole.items():
        assert torch.equal(found[name], values), name


def test_ranks_that_differ_are_refused(tmp_path: Path) -> None:
    def meet(number: int) -> str:
        same = {"version of pharmagraph": "1.0", "graph": "aa", "seed": "0"}
        others = same | ({"version of pharmagraph": "0.9", "seed": "1"} if number == 2 else {})
        with pytest.raises((ModelError, ServedError)) as refused:
            ranks.require_alike(others)
        if number:
            assert isinstance(refused.value, ServedError) and refused.value.code == 1
            raise ServedError
        return str(refused.value)

    said = on_ranks(3, tmp_path, meet)
    assert said.startswith(
        "rank 2 has another version of pharmagraph (0.9, rank 0: 1.0), seed (1, rank 0: 0); give all ranks the same"
    )
    assert "\n" not in said and "another graph" not in said


def test_what_keeps_a_rank_from_beginning_is_told_by_rank_0(tmp_path: Path) -> None:
    def meet(number: int) -> str:
        if number:
            ranks.tell_error(InputError("there is no store"))
            raise ServedError
        with pytest.raises(ModelError) as refused:
            ranks.require_alike({"graph": "aa"})
        return str(refused.value)

    assert on_ranks(2, tmp_path, meet) == "rank 1: there is no store"


def test_a_rank_that_no_other_joins_says_so_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", port)
    monkeypatch.setattr(ranks, "JOINING", timedelta(seconds=1))
    with pytest.raises(ModelError) as told, ranks.joined(ranks.Rank(0, 2, by_torchrun=True)):
        pass
    assert str(told.value).startswith(f"rank 0 of 2 did not find the others at 127.0.0.1:{port} within 1 s (")
    assert "1/2 clients joined); start all of them" in str(told.value) and "\n" not in str(told.value)


def test_an_address_that_is_empty_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(ranks.TORCHRUN, ("0", "2", "0", "2", "", "29500"), strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(ModelError, match=r"^MASTER_ADDR is empty in the environment; start by torchrun"):
        ranks.of_torchrun()


def test_rows_of_ranks_are_all_rows_once(tmp_path: Path) -> None:
    def rows(number: int) -> slice:
        with ranks.dividing():
            found = ranks.rows(10)
        assert ranks.rows(10) == slice(0, 10)
        ranks.end_of_steps()
        return found

    assert on_ranks(3, tmp_path, rows) == slice(0, 3)
    assert ranks.rows(10) == slice(0, 10)


@pytest.mark.parametrize("dropout", [torch.nn.Dropout(0.4), HashDropout(0.4)])
def test_divided_rows_drop_what_all_rows_would(dropout: torch.nn.Module) -> None:
    layer, x = PairDropout(dropout), torch.randn(11, 3)
    torch.manual_seed(1)
    whole, state = layer(x), torch.get_rng_state()
    assert (whole == 0).any() and (whole != 0).any()
    for rows in (slice(0, 5), slice(5, 11), slice(11, 11)):
        divide(layer, (rows, 11))
        torch.manual_seed(1)
        assert torch.equal(layer(x[rows]), whole[rows])
        assert torch.equal(torch.get_rng_state(), state)
    divide(layer, None)
    torch.manual_seed(1)
    assert torch.equal(layer(x), whole)
