"""Folders of runs that cannot be loaded: earlier formats, files that are gone, and files that were cut off."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file

from pharmagraph.kg import runs
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import Names
from pharmagraph.kg.store import open_store
from pharmagraph.model.commands.report import report
from pharmagraph.model.explain.counterfactuals import what_if
from pharmagraph.model.explain.faithfulness.measure import deletion_curve, faithfulness
from pharmagraph.model.inputs.changes import Change
from pharmagraph.model.inputs.edits import with_new_cell_line
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.networks import posterior
from pharmagraph.model.networks.conjugate_gradients import solve
from pharmagraph.model.networks.solutions import Solutions
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.predictions import predict
from pharmagraph.model.targets.gene_attention import GeneAttention
from pharmagraph.model.training.ensemble import fit
from tests.screens import screen

torch.set_num_threads(1)

ASKED: dict[str, Callable[[Path], object]] = {
    "predict": lambda folder: predict(
        folder,
        drugs=["NSC1"],
        cell_lines=["LINE03"],
        drug_names=Names("drug", {"NSC1": []}),
        cell_line_names=Names("cell line", {"LINE03": []}),
        gene_names=lambda: Names("gene", {}),
        note=print,
    ),
    "explain --silence": lambda folder: what_if(
        folder, "NSC1", "LINE03", [Change("GENE000", "expression", None)]
    ),
    "faithfulness": lambda folder: faithfulness(folder, counts=[1]),
    "report": lambda folder: deletion_curve(folder, [1]),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with gene attention, so that every kind of file is there."""
    place = tmp_path_factory.mktemp("run")
    heterograph, config = screen(), load_preset(
        "default",
        network={"channels": 8, "factor_starts": 1},
        training={"epochs": 1, "members": 1, "untested_pairs": 50, "factor_map_penalties": [100.0]},
    )  # fmt: skip
    tensors = network_tensors(heterograph, config.network)
    even = torch.full((24, 30), 1 / 30)
    given = GeneAttention(torch.arange(30), even, even.clone())
    measured = responses(heterograph)
    fitted = fit(tensors, measured, config, seed=0, gene_attention=given)
    saved.save(fitted, heterograph, measured, place, about={})
    return place


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    place = tmp_path / "run"
    shutil.copytree(whole, place)
    return place


def _cut(path: Path, share: float = 0.5) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _earlier_layout(folder: Path) -> None:
    """As an earlier version wrote it: no format, ``graph.bin`` and ``ids.json``, other names of options and weights."""
    about = json.loads((folder / "config.json").read_text())
    del about["format"], about["files"]
    about["config"]["network"]["kernel"] = about["config"]["network"].pop("gaussian_process")
    (folder / "config.json").write_text(json.dumps(about))
    weights = load_file(folder / "weights.safetensors")
    old = {
        k.replace("component_weights", "shares").replace("gaussian_process", "kernel"): t
        for k, t in weights.items()
    }
    save_file(old, folder / "weights.safetensors")
    shutil.rmtree(folder / "graph")
    (folder / "graph").mkdir()
    (folder / "graph" / "graph.bin").write_bytes(b"\x00" * 64)
    (folder / "graph" / "ids.json").write_text('{"ids": {}, "datasets": [], "tissues": []}')


def _set(folder: Path, **about: object) -> None:
    found = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(found | about))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "earlier layout": (_earlier_layout, "written in format 1 of a run's folder, this version reads format 4"),
    "later format": (lambda f: _set(f, format=9), "written in format 9 .*update pharmagraph, or"),
    "no folder": (shutil.rmtree, "holds no trained run"),
    "no configuration": (lambda f: (f / "config.json").unlink(), r"holds no trained run \(no config\.json\)"),
    "no weights": (lambda f: (f / "weights.safetensors").unlink(), r"lacks weights\.safetensors"),
    "no pairs": (lambda f: (f / "training_pairs.parquet").unlink(), r"lacks training_pairs\.parquet"),
    "no graph": (lambda f: shutil.rmtree(f / "graph"), "lacks graph"),
    "half a graph": (lambda f: next(iter(sorted((f / "graph").iterdir()))).unlink(), "graph cannot be read"),
    "no gene attention": (
        lambda f: (f / "gene_attention.safetensors").unlink(), r"lacks gene_attention\.safetensors"
    ),
    "configuration cut off": (lambda f: _cut(f / "config.json"), r"config\.json cannot be read"),
    "no list of files": (
        lambda f: (f / "config.json").write_text('{"format": 4}'), r"config\.json cannot be read"
    ),
    "no networks": (lambda f: _set(f, members=[]), r"config\.json cannot be read \(it lists no networks\)"),
    "other configuration": (lambda f: _set(f, scale={"unit": 1}), r"config\.json cannot be read"),
    "weights cut off": (lambda f: _cut(f / "weights.safetensors"), r"weights\.safetensors cannot be read"),
    "header of weights cut off": (
        lambda f: _cut(f / "weights.safetensors", 0.0), r"weights\.safetensors cannot be read"
    ),
    "pairs cut off": (lambda f: _cut(f / "training_pairs.parquet"), r"training_pairs\.parquet cannot be read"),
    "solution cut off": (lambda f: _cut(f / "process.safetensors"), r"process\.safetensors cannot be read"),
    "solution of another graph": (
        lambda f: save_file({"0": torch.zeros(3, 999)}, f / "process.safetensors"),
        r"process\.safetensors cannot be read \(a solution of \(3, 999\) is not of 20 cell lines, 24 drugs\)",
    ),
    "solution of no network": (
        lambda f: save_file({"7": torch.zeros(2, 2)}, f / "process.safetensors"), '"7" is no network with a Gauss'
    ),
    "solution without numbers": (
        lambda f: save_file({"0": torch.full((2, 2), torch.nan)}, f / "process.safetensors"), "are not finite"
    ),
    "gene attention cut off": (
        lambda f: _cut(f / "gene_attention.safetensors"), r"gene_attention\.safetensors cannot be read"
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_folder_that_cannot_be_loaded_is_refused_in_one_line_by_whatever_asks(
    folder: Path, damage: str
) -> None:
    harm, message = DAMAGE[damage]
    harm(folder)
    for name, ask in ASKED.items():
        with pytest.raises(ModelError, match=message) as caught:
            ask(folder)
        assert "\n" not in str(caught.value) and "train again: cli train" in str(caught.value), name


def test_weights_of_other_names_are_refused(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    save_file(
        {k.replace("component_weights", "shares"): t for k, t in weights.items()},
        folder / "weights.safetensors",
    )
    for ask in ASKED.values():
        with pytest.raises(ModelError, match=r"no weights .*trained by another version; train again"):
            ask(folder)


def test_weights_that_the_network_does_not_have_are_refused(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    save_file(weights | {"0.former": torch.zeros(2)}, folder / "weights.safetensors")
    for ask in ASKED.values():
        with pytest.raises(
            ModelError, match=r'has other weights "former", .*trained by another version; train again'
        ):
            ask(folder)


def test_a_whole_folder_is_loaded(folder: Path) -> None:
    for ask in (ASKED["predict"], ASKED["explain --silence"]):
        assert ask(folder)
    pairs = saved.training_pairs(folder)
    assert pairs.num_rows == len(responses(screen())) and set(pairs["drug"].to_pylist()) <= set(
        screen().ids["Drug"]
    )


def test_a_process_is_not_solved_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = saved.load_graph(folder)
    grown = with_new_cell_line(graph, {f"GENE{n:03}": n / 10 - 1 for n in range(20)})
    drug, cell_line = np.tile(np.arange(24), 20), np.repeat(np.arange(20), 24)
    products = 0

    def counted(system: Callable[[torch.Tensor], torch.Tensor], *of: Any, **options: Any) -> torch.Tensor:
        def product(table: torch.Tensor) -> torch.Tensor:
            nonlocal products
            products += 1
            return system(table)

        return solve(product, *of, **options)

    def predicted(of: Heterograph) -> tuple[np.ndarray, int]:
        nonlocal products
        products = 0
        monkeypatch.setattr(posterior, "_solutions", Solutions())
        return saved.load(folder, of).predict(drug, cell_line), products

    monkeypatch.setattr(posterior, "solve", counted)
    (known, of_known), (new, of_new) = predicted(graph), predicted(grown)
    about = json.loads((folder / "config.json").read_text())
    _set(folder, files=[name for name in about["files"] if name != "process.safetensors"])
    (anew, of_anew), (new_anew, of_new_anew) = predicted(graph), predicted(grown)
    assert (
        of_known == 1 < of_new < of_new_anew and of_anew > 5
    )  # a new profile changes likenesses of others a little
    assert np.allclose(known, anew, rtol=0, atol=1e-5) and np.allclose(new, new_anew, rtol=0, atol=1e-3)


def test_a_page_about_a_run_in_an_earlier_layout_is_refused_before_it_is_written(
    folder: Path, tmp_path: Path
) -> None:
    url = f"ladybug://{tmp_path}/graph.lbug"
    with open_store(url) as store:
        store.create_schema()
        store.upsert_nodes("Drug", pa.table({"id": ["D1"], "name": ["D1"]}))
        store.upsert_nodes("Gene", pa.table({"id": ["G1"]}))
        table = pa.table({"src": ["D1"], "dst": ["G1"], "weight": [1.0], "competitors": [1]})
        nothing = pa.table({"src": pa.array([], pa.string()), "dst": [], "probability": []})
        runs.register(store, {"id": "r", "preset": "x"}, {("Drug", "Gene"): table}, nothing, folder=folder)
    _earlier_layout(folder)
    with pytest.raises(ModelError, match="train again"):
        report(run="r", faithfulness=True, out=tmp_path / "page.html", store=url)
    assert not (tmp_path / "page.html").exists()
    _cut(folder / "attention" / "Drug-Gene.parquet")
    with open_store(url) as store, pytest.raises(ModelError, match=r"Drug-Gene\.parquet cannot be read"):
        runs.promote(store, "r")
