"""A fit that is cut off goes on where it ended, and ends as if it had not been cut off."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
import torch

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model import side_by_side
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.training import member, unfinished
from pharmagraph.model.training.fitting import Fitting
from pharmagraph.model.training.from_graph import fit_graph
from pharmagraph.model.training.unfinished import FOLDER, Unfinished
from tests.screens import screen

Epoch = tuple[int, int]


class CutOffError(Exception):
    """Stands for a kill."""


@pytest.fixture(autouse=True)
def kept_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "KEPT_EVERY", 0.0)


@pytest.fixture(scope="module")
def graph() -> Heterograph:
    return screen()


def fit(
    graph: Heterograph, config: Config, kept: Unfinished | None, cut: Epoch | None = None, workers: int = 1
) -> tuple[dict[str, torch.Tensor], list[Epoch]]:
    """Weights of all networks, and the epochs that were fitted; cut off after one of them."""
    told: list[Epoch] = []

    def report(member: int, epoch: int, value: float | None) -> None:
        told.append((member, epoch))

    def cut_off(member: int, epoch: int, value: float | None) -> None:
        report(member, epoch, value)
        if len(told) > 1 and told[-2] == cut:  # the epoch before was kept
            raise CutOffError

    fitted = fit_graph(
        graph, responses(graph), config, seed=3, report=report if cut is None else cut_off, unfinished=kept,
        workers=workers,
    )  # fmt: skip
    weights = {
        f"{number}/{name}": one.clone()
        for number, member in enumerate(fitted.members)
        for name, one in member.network.state_dict().items()
    }
    return weights | {"epochs": torch.tensor([m.best_epoch for m in fitted.members])}, told


SMALL = {
    "factors": False,
    "n_response_genes": 5,
    "n_screened_genes": 20,
    "axial_neighbours": 4,
    "axial_dropout": 0.3,
}


def _small(**training: object) -> Config:
    config = load_preset("default", network=SMALL, training={"epochs": 4, "untested_pairs": 50, **training})
    return config.model_copy(update={"targets": None})


PRESETS = {
    "two networks": _small(),
    "drawn anew": _small(members=1, redraw_chunks=True),
    "best epoch": load_preset(
        "drgt-nci60",
        network={"heads": 2, "adjacency": {"gene_share": 1.0, "input_channels": 16, "head_channels": [8, 8]}},
        training={"epochs": 5, "validate_every": 2, "patience": 2},
    ),
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_fit_that_was_cut_off_ends_the_same(graph: Heterograph, tmp_path: Path, name: str) -> None:
    config = PRESETS[name]
    whole, all_epochs = fit(graph, config, None)
    kept = Unfinished(tmp_path, {"preset": name})
    cuts = [(1, 2)] if config.training.members == 1 else [(1, 2), (1, 4), (2, 1)]
    for cut in cuts:
        with pytest.raises(CutOffError):
            fit(graph, config, kept, cut)
        kept = _by_the_next_process(kept, tmp_path, name)
    found, rest = fit(graph, config, kept)
    assert rest == all_epochs[all_epochs.index(cuts[-1]) + 1 :]
    assert found.keys() == whole.keys()
    for key, one in whole.items():
        assert torch.equal(found[key], one), key
    kept.done()
    assert not list(tmp_path.iterdir())


def test_fits_side_by_side_that_were_cut_off_end_the_same(
    graph: Heterograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "most_workers", lambda: 2)
    config, what = PRESETS["two networks"], "side by side"
    whole, all_epochs = fit(graph, config, None)
    kept = Unfinished(tmp_path, {"preset": what})
    with pytest.raises(CutOffError):
        fit(graph, config, kept, (1, 3), workers=2)
    found, rest = fit(graph, config, _by_the_next_process(kept, tmp_path, what), workers=2)
    assert {(1, 1), (1, 2)}.isdisjoint(rest) and set(rest) < set(all_epochs)
    for key, one in whole.items():
        assert torch.equal(found[key], one), key


def test_a_fit_that_stopped_early_stays_stopped(
    graph: Heterograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member, "LEAST_STEPS", 0)
    monkeypatch.setattr(Fitting, "validate", lambda self: 0.5)  # never better than at first
    config = load_preset(
        "fast",
        network={"channels": 8},
        training={
            "epochs": 6,
            "members": 2,
            "schedule": "constant",
            "patience": 1,
            "validate_every": 1,
            "untested_pairs": 50,
        },
    )
    config = config.model_copy(update={"targets": None})
    whole, all_epochs = fit(graph, config, None)
    assert all_epochs == [(1, 1), (1, 2), (2, 1), (2, 2)]
    kept = Unfinished(tmp_path, {"preset": "stops"})
    with pytest.raises(CutOffError):
        fit(graph, config, kept, (1, 2))
    found, rest = fit(graph, config, _by_the_next_process(kept, tmp_path, "stops"))
    assert rest == [(2, 1), (2, 2)]
    for key, one in whole.items():
        assert torch.equal(found[key], one), key


def test_no_fit_ends_because_it_cannot_be_kept(graph: Heterograph, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder")
    config = PRESETS["drawn anew"]
    found, _ = fit(graph, config, Unfinished(tmp_path / "runs", {}))
    assert found.keys() == fit(graph, config, None)[0].keys()


def _by_the_next_process(kept: Unfinished, folder: Path, name: str) -> Unfinished:
    """The same training, once the process that held its lock has ended."""
    assert kept._lock is not None
    kept._lock.close()
    return Unfinished(folder, {"preset": name})


def test_a_training_of_anything_else_begins_anew(graph: Heterograph, tmp_path: Path) -> None:
    config = PRESETS["drawn anew"]
    kept = Unfinished(tmp_path, {"seed": 0})
    with pytest.raises(CutOffError):
        fit(graph, config, kept, (1, 2))
    other = Unfinished(tmp_path, {"seed": 1})
    assert other.of_network(0).begun() is None
    assert kept.of_network(0).begun() is not None


def test_two_that_train_the_same_do_not_share_a_file(tmp_path: Path) -> None:
    first, second = Unfinished(tmp_path, {}), Unfinished(tmp_path, {})
    assert first.of_network(0).due()
    assert not second.of_network(0).due()
    first.of_network(0).path.write_bytes(b"of the first")
    second.done()  # it ended first, and removes nothing of the other
    assert first.of_network(0).path.read_bytes() == b"of the first"


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"cos\nsystem\n(S'touch hacked'\ntR."])
def test_a_file_that_cannot_be_read_is_left_out(
    graph: Heterograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = Unfinished(tmp_path, {})
    assert kept.own()
    kept.of_network(0).path.write_bytes(content)
    assert kept.of_network(0).begun() is None
    assert not (tmp_path / "hacked").exists()
    assert not kept.of_network(0).path.exists()


def test_what_nobody_finished_in_a_week_is_removed_unless_it_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "FORGOTTEN_AFTER", -1.0)
    for name in ("left", "used"):
        (tmp_path / FOLDER / name).mkdir(parents=True)
        (tmp_path / FOLDER / name / "lock").touch()
    held = os.open(tmp_path / FOLDER / "used" / "lock", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    Unfinished(tmp_path, {})
    assert [one.name for one in (tmp_path / FOLDER).iterdir()] == ["used"]
    os.close(held)


def test_a_short_fit_writes_nothing(
    graph: Heterograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "KEPT_EVERY", 3600.0)
    with pytest.raises(CutOffError):
        fit(graph, PRESETS["drawn anew"], Unfinished(tmp_path, {}), (1, 2))
    assert not list(tmp_path.iterdir())
