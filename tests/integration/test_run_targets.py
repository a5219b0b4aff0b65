"""A run's attention to genes comes from known targets and training responses, and changes nothing that is predicted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.metrics import roc_auc_score

from pharmagraph.kg import runs
from pharmagraph.kg.console import Format
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.metrics.false_discovery import null_q
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.reports.training_run import show
from pharmagraph.model.reports.worked import in_run, of_run
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale
from pharmagraph.model.runs import trained as training_run
from pharmagraph.model.targets.null import contrasts, permuted
from pharmagraph.model.targets.run import fit_run
from tests.screens import screen

torch.set_num_threads(1)

QUICK = load_preset(
    "fast", network={"channels": 8, "axial": False}, training={"epochs": 2, "untested_pairs": 100}
)  # one component, so that predictions draw on the network's own attention to genes
TARGETS = QUICK.targets
assert TARGETS is not None


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    from pharmagraph.ingest.commands import synthetic

    url = f"ladybug://{tmp_path}/graph.lbug"
    synthetic(drugs=24, cells=20, genes=60, store=url, quiet=True)
    with open_store(url) as graph:
        yield graph


def _attention(store: GraphStore, run_id: str) -> dict[tuple[str, str], dict[str, float]]:
    table = store.read_edges("ATTENDS", ("Drug", "Gene"), equals={"run_id": run_id})
    return {(row["src"], row["dst"]): row for row in table.to_pylist()}


def test_training_on_a_graph_without_homology_says_so_in_one_line(
    store: GraphStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = training_run.train(store, QUICK, folder=tmp_path / "runs")
    assert "families of genes (cli ingest homology)" in done.lacking
    for lacking, lines in ((done.lacking, 1), ((), 0)):
        show(
            replace(done, lacking=lacking), QUICK, split="random", promoted=False, quiet=False,
            format=Format.table,
        )  # fmt: skip
        said = "".join(capsys.readouterr()).splitlines()
        assert sum("cli ingest homology" in line for line in said) == lines
    src, dst = sorted(store.read_nodes("Gene", ["id"])["id"].to_pylist())[:2]
    pair = pa.table(
        {"src": [src], "dst": [dst], "identity": [0.5], "coverage": [0.9], "dataset": ["synthetic"]}
    )
    store.upsert_edges("HOMOLOGOUS", ("Gene", "Gene"), pair)
    again = training_run.train(store, QUICK, folder=tmp_path / "runs")
    assert set(done.lacking) - set(again.lacking) == {"families of genes (cli ingest homology)"}


def test_attention_to_genes_is_fitted_to_targets_and_predictions_stay_to_the_bit(
    store: GraphStore, tmp_path: Path
) -> None:
    config = QUICK.model_copy(update={"targets": TARGETS.model_copy(update={"members": 2})})
    alone = QUICK.model_copy(update={"preset": "alone", "targets": None})
    with_targets = training_run.train(store, config, folder=tmp_path / "runs", n_null=2)
    without = training_run.train(store, alone, folder=tmp_path / "runs")
    files = [(r.folder / "weights.safetensors").read_bytes() for r in (with_targets, without)]
    predicted = [
        store.read_edges("PREDICTED", ("Drug", "CellLine"), columns, equals={"run_id": r.run_id})
        for r in (with_targets, without)
        for columns in (["src", "dst", "probability"],)
    ]
    assert files[0] == files[1] and predicted[0].equals(predicted[1])
    assert runs.find(store, with_targets.run_id)["gene_attention"] == "targets"
    assert runs.find(store, without.run_id)["gene_attention"] == "network"
    assert "does not predict from it" in with_targets.unused_attention["Drug→Gene"]
    assert "Drug→Gene" not in without.unused_attention
    found, own = (_attention(store, r.run_id) for r in (with_targets, without))
    known = store.read_edges("TARGETS", ("Drug", "Gene"), ["src", "dst"])
    pairs = set(zip(known["src"].to_pylist(), known["dst"].to_pylist(), strict=True))
    assert pairs <= set(found)  # kept, whatever their rank
    for row in found.values():
        assert row["spread"] is not None and 0 <= row["stability"] <= 1 and 0 < row["q"] <= 1
    assert all(row["q"] is None for row in own.values())
    by_drug: dict[str, dict[bool, list[int]]] = {}
    for (drug, gene), row in found.items():
        by_drug.setdefault(drug, {True: [], False: []})[(drug, gene) in pairs].append(row["rank"])
    assert all(max(r[True], default=0) < min(r[False]) for r in by_drug.values())  # what is known comes first
    every = runs.attention_of(store, runs.find(store, with_targets.run_id))["Drug", "Gene"].to_pandas()
    n_genes = every["dst"].nunique()
    assert len(every) == 24 * n_genes and (every["competitors"] == n_genes).all()
    assert every.groupby("src", observed=True)["weight"].sum().to_numpy() == pytest.approx(np.ones(24))
    runs.promote(store, with_targets.run_id)
    promoted = store.read_edges("TARGETS", ("Drug", "Gene"), ["src", "dst", "attention"]).to_pylist()
    assert all(row["attention"] == pytest.approx(found[row["src"], row["dst"]]["weight"]) for row in promoted)


def test_attention_for_response_gets_q_with_and_without_known_targets(
    store: GraphStore, tmp_path: Path
) -> None:
    config = load_preset(
        "default",
        network={"channels": 8, "axial": False, "factors": False, "n_response_genes": 4},
        training={"epochs": 2, "members": 1, "untested_pairs": 100},
    )
    assert config.targets is not None
    config = config.model_copy(update={"targets": config.targets.model_copy(update={"steps": 5})})
    asked = training_run.train(store, config, folder=tmp_path / "runs", n_null=2)
    not_asked = training_run.train(store, config, folder=tmp_path / "runs")
    files = [(r.folder / "weights.safetensors").read_bytes() for r in (asked, not_asked)]
    assert files[0] == files[1]
    edges, without = (
        runs.attention_of(store, runs.find(store, r.run_id))["Drug", "Gene"].to_pandas()
        for r in (asked, not_asked)
    )
    for objective in ("target", "response"):
        q = edges["q"][edges["objective"] == objective]
        assert len(q) and ((q > 0) & (q <= 1)).all()
    assert edges["q"][edges["objective"] == "response"].nunique() > 2
    assert "q" not in without or without["q"].isna().all()
    datasets = store.read_edges("TARGETS", ("Drug", "Gene"), ["dataset"])["dataset"].unique().to_pylist()
    store.delete_edges("TARGETS", ("Drug", "Gene"), equals={"dataset": datasets})
    bare = training_run.train(store, config, folder=tmp_path / "runs", n_null=2)
    kept = store.read_edges("ATTENDS", ("Drug", "Gene"), equals={"run_id": bare.run_id}).to_pandas()
    assert (kept["objective"] == "response").all() and kept["q"].between(0, 1, inclusive="right").all()


def test_a_runs_drug_is_read_back_with_its_held_out_misses(store: GraphStore, tmp_path: Path) -> None:
    trained = training_run.train(store, QUICK, folder=tmp_path / "runs", n_null=2)
    rows = store.query(
        "MATCH (d:Drug)-[t:TESTED_ON]->(c:CellLine) RETURN d.id AS drug, c.id AS cell, t.response AS response"
    ).to_pylist()
    used = pq.read_table(trained.folder / "training_pairs.parquet", columns=["drug", "cell_line"]).to_pylist()
    held_out = {(r["drug"], r["cell"]): r["response"] for r in rows}
    for pair in used:
        del held_out[pair["drug"], pair["cell_line"]]
    predicted = store.read_edges("PREDICTED", ("Drug", "CellLine"), ["src", "dst", "probability"]).to_pylist()
    said = {(r["src"], r["dst"]): r["probability"] for r in predicted}
    n_both = 0
    for drug in sorted({d for d, _ in held_out}):
        found = in_run(store, trained.run_id, drug)
        pairs = [p for p in held_out if p[0] == drug]
        truth = [held_out[p] for p in pairs]
        assert (found.n_held_out, found.n_sensitive) == (len(pairs), sum(truth))
        misses = sorted((abs(held_out[p] - said[p]) for p in pairs), reverse=True)[:5]
        assert [abs(m["response"] - m["probability"]) for m in found.misses] == pytest.approx(misses)
        if 0 < sum(truth) < len(truth):
            n_both += 1
            assert found.auroc == pytest.approx(roc_auc_score(truth, [said[p] for p in pairs]))
        else:
            assert found.auroc is None
        assert [g["rank"] for g in found.genes] == list(range(1, 11))
    assert n_both
    counted = of_run(store, trained.run_id)
    kept = _attention(store, trained.run_id)
    assert counted["edges"] == len(kept) and counted["q_below"] == sum(r["q"] < 0.1 for r in kept.values())
    assert counted["known"] == len(store.read_edges("TARGETS", ("Drug", "Gene"), ["src"]))


def test_a_graph_without_targets_says_whose_attention_it_is(store: GraphStore, tmp_path: Path) -> None:
    datasets = store.read_edges("TARGETS", ("Drug", "Gene"), ["dataset"])["dataset"].unique().to_pylist()
    store.delete_edges("TARGETS", ("Drug", "Gene"), equals={"dataset": datasets})
    with pytest.raises(ModelError, match=r"^n_null needs attention to known targets.*no known targets"):
        training_run.train(store, QUICK, folder=tmp_path / "runs", n_null=2)
    assert not (tmp_path / "runs").exists()
    trained = training_run.train(store, QUICK, folder=tmp_path / "runs", split=Split.none)
    assert trained.gene_attention == "network" and _attention(store, trained.run_id)


def test_other_responses_of_a_drug_change_its_attention() -> None:
    heterograph = screen()
    tensors = graph_tensors(heterograph, n_expressed=5, n_neighbours=3)
    measured = responses(heterograph)
    scale = Scale.of(measured, "classification")
    swapped = measured.ln_ic50.copy()
    of_drug = measured.drug == 3
    swapped[of_drug] = swapped[of_drug][::-1]
    other = type(measured)(measured.drug, measured.cell_line, measured.response, swapped, 24, 20)
    first, second = (
        fit_run(heterograph, tensors, r, scale, TARGETS, seed=0).fitted.scores for r in (measured, other)
    )
    assert np.abs(first[0, 3] - second[0, 3]).max() > 0.01


def test_permuted_responses_stay_with_their_drug() -> None:
    measured = responses(screen())
    other = permuted(measured, np.random.default_rng(0))
    assert np.array_equal(other.drug, measured.drug) and np.array_equal(other.cell_line, measured.cell_line)
    assert not np.array_equal(other.ln_ic50, measured.ln_ic50)
    for drug in range(24):
        of_drug = measured.drug == drug
        pairs = [sorted(zip(r.response[of_drug], r.ln_ic50[of_drug], strict=True)) for r in (measured, other)]
        assert pairs[0] == pairs[1]


def test_contrasts_leave_the_permutation_itself_out() -> None:
    null = np.array([[[1.0, 2.0]], [[3.0, 2.0]], [[5.0, 5.0]]])
    observed, permutations = contrasts(np.array([[4.0, 4.0]]), null)
    assert observed.tolist() == [[1.0, 1.0]]
    assert permutations[0].tolist() == [[1.0 - 4.0, 2.0 - 3.5]]


def test_without_signal_few_q_are_small_and_a_planted_signal_is_found() -> None:
    random = np.random.default_rng(1)
    base, null = random.normal(size=(100, 400)), random.normal(scale=0.3, size=(30, 100, 400))
    drawn = base + random.normal(scale=0.3, size=base.shape)
    drawn[:10, 7] += 4.0
    q = null_q(*contrasts(drawn, base + null))
    assert (q[:10, 7] < 0.05).all()
    assert (q[10:] < 0.1).any(1).mean() < 0.15  # a false discovery in a tenth of the drugs is what is allowed
