"""Drugs without a structure are trained with and predicted, on a real embedded file with every part of `default`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import roc_auc_score

import pharmagraph as pg
from pharmagraph.ingest.commands import synthetic
from pharmagraph.kg import runs
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs import trained as training_run

torch.set_num_threads(1)  # these networks are far too small for more

_PRESET = load_preset(
    "default",
    network={"factor_starts": 2},
    training={"members": 1, "epochs": 3, "factor_map_penalties": [100.0]},
)
assert _PRESET.targets is not None
DEFAULT = _PRESET.model_copy(
    update={"targets": _PRESET.targets.model_copy(update={"members": 1, "steps": 40})}
)
N_BARE = 4


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """A synthetic screen in which nothing but responses and targets is known of the first drugs."""
    url = f"ladybug://{tmp_path_factory.mktemp('bare')}/graph.lbug"
    synthetic(drugs=24, cells=20, genes=60, store=url, quiet=True)
    with open_store(url) as graph:
        bare = graph.read_nodes("Drug", ["id"])["id"].to_pylist()[:N_BARE]
        nothing = pa.nulls(N_BARE, pa.string())
        graph.upsert_nodes("Drug", pa.table({"id": bare, "smiles": nothing, "inchikey": nothing}))
        for end in ("src", "dst"):
            graph.delete_edges("SIMILAR_TO", ("Drug", "Drug"), equals={end: bare})
        yield graph


def test_a_drug_without_structure_is_fitted_and_predicted(store: GraphStore, tmp_path: Path) -> None:
    drugs = store.read_nodes("Drug", ["id", "smiles"]).to_pylist()
    bare = [d["id"] for d in drugs if d["smiles"] is None]
    assert len(bare) == N_BARE
    trained = training_run.train(store, DEFAULT, folder=tmp_path / "runs", seed=1)
    runs.promote(store, trained.run_id)
    predicted = store.read_edges(
        "PREDICTED", ("Drug", "CellLine"), ["src", "dst", "probability"], equals={"run_id": trained.run_id}
    ).to_pylist()
    probability = {(p["src"], p["dst"]): p["probability"] for p in predicted}
    assert len(probability) == 24 * 20 and np.isfinite(list(probability.values())).all()
    tested = store.read_edges("TESTED_ON", ("Drug", "CellLine"), ["src", "dst", "response"]).to_pylist()
    of_bare = [t for t in tested if t["src"] in bare]
    truth = [t["response"] for t in of_bare]
    assert roc_auc_score(truth, [probability[t["src"], t["dst"]] for t in of_bare]) > 0.8
    table = pg.Run.open(store, trained.run_id).predict(bare[0])
    assert len(table) == 20 and table["probability"].between(0, 1).all()


def test_a_drug_without_structure_cannot_be_predicted_unseen(store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither a structure nor a similar drug is known") as caught:
        training_run.train(store, DEFAULT, folder=tmp_path / "runs", split=Split.unseen_drug)
    assert "\n" not in str(caught.value) and not (tmp_path / "runs").exists()
