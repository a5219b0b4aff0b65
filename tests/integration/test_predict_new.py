"""A run of every component predicts drugs and cell lines that came after it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import typer
from scipy.stats import zscore
from typer.testing import CliRunner

from pharmagraph.ingest.sources.synthetic import plant
from pharmagraph.kg import runs
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.store import open_store
from pharmagraph.model.commands.predict import predict
from pharmagraph.model.inputs.changes import NEW_CELL_LINE, NEW_DRUG
from pharmagraph.model.inputs.edits import with_new_cell_line, with_new_drug
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.runs import saved
from pharmagraph.model.runs import trained as training_run
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.fitted import Fitted

torch.set_num_threads(1)  # these networks are far too small for more

_PRESET = load_preset(
    "default",
    network={"factor_starts": 2, "relational": True, "process_states": "alternate"},
    training={
        "members": 2,
        "epochs": 3,
        "factor_map_penalties": [100.0],
        "expected_weights": {"relational": 0.1, "axial": 0.2, "gaussian_process": 0.4, "factors": 0.3},
    },
)
assert _PRESET.targets is not None
DEFAULT = _PRESET.model_copy(
    update={"targets": _PRESET.targets.model_copy(update={"members": 1, "steps": 40})}
)
"""Every part of it, for fewer steps."""
COMPONENTS = ("relational", "axial", "gaussian_process", "factors")
N_DRUGS, N_CELL_LINES = 24, 20

app = typer.Typer()
app.command()(predict)


@app.callback()
def _of_several() -> None:
    """So that `predict` is named on the line, as in the tool."""


@dataclass(frozen=True)
class Run:
    """A promoted run, and what its store says of drugs and cell lines."""

    url: str
    folder: Path
    task: Task
    structure: dict[str, str]
    expression: dict[str, dict[str, float]]

    def predict(self, *asked: str) -> dict[tuple[str, str], float]:
        """What `cli predict` says, by drug and cell line: a logit, or minus ln IC50, so larger is more sensitive."""
        options = ["--store", self.url, "--format", "json", "--limit", "1000", "--device", "cpu"]
        done = CliRunner().invoke(app, ["predict", *options, *asked], catch_exceptions=False)
        found = {}
        for row in json.loads(done.stdout):
            value = row["probability"] if self.task == "classification" else row["ln_ic50"]
            assert np.isfinite(value) and row["measured"] in (False, True)
            if self.task == "classification":
                assert 0 < value < 1
                value = -np.log(value / (1 - value))
            found[row["drug"], row["cell_line"]] = -value
        return found

    def expression_file(self, cell_line: str, folder: Path) -> str:
        """A file of what the graph knows of a cell line's expression."""
        path = folder / f"{cell_line}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("gene", "z"), *self.expression[cell_line].items()])
        return str(path)


@pytest.fixture(scope="module", params=["classification", "regression"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    from pharmagraph.ingest.commands import synthetic

    folder = tmp_path_factory.mktemp(request.param)
    url = f"ladybug://{folder}/graph.lbug"
    synthetic(drugs=N_DRUGS, cells=N_CELL_LINES, genes=60, store=url, quiet=True)
    with open_store(url) as graph:
        trained = training_run.train(graph, DEFAULT, folder=folder / "runs", task=request.param, device="cpu")
        runs.promote(graph, trained.run_id)
        drugs = graph.read_nodes("Drug", ["id"])["id"]
        hidden = ["not known"] * len(drugs)  # else a known structure would be predicted as the known drug
        graph.upsert_nodes("Drug", pa.table({"id": drugs, "inchikey": hidden}))
        structure = {r["id"]: r["smiles"] for r in graph.read_nodes("Drug", ["id", "smiles"]).to_pylist()}
        expression: dict[str, dict[str, float]] = {}
        for r in graph.read_edges("EXPRESSES", ("CellLine", "Gene"), ["src", "dst", "z"]).to_pylist():
            expression.setdefault(r["src"], {})[r["dst"]] = r["z"]
    assert len(structure) == N_DRUGS and len(expression) == N_CELL_LINES
    weights = trained.fitted.component_weights()
    assert tuple(weights) == COMPONENTS and min(weights.values()) > 0  # else a component would go untested
    return Run(url, trained.folder, request.param, structure, expression)


def _alike(one: dict[str, float], other: dict[str, float]) -> float:
    return float(np.corrcoef([one[i] for i in one], [other[i] for i in one])[0, 1])


def test_new_drug_of_a_known_structure_ranks_cell_lines_as_the_known_one(run: Run) -> None:
    drugs = list(run.structure)
    for twin in (drugs[3], drugs[15]):
        new = {c: v for (_, c), v in run.predict("--drug", run.structure[twin]).items()}
        known = {
            d: {c: v for (_, c), v in run.predict("--drug", d).items()} for d in (twin, drugs[3], drugs[15])
        }
        assert len(new) == N_CELL_LINES and _alike(new, known.pop(twin)) > 0.8
        assert all(_alike(new, other) < 0.8 for other in known.values())  # of another class


def test_new_cell_line_of_a_known_profile_ranks_drugs_as_the_known_one(run: Run, tmp_path: Path) -> None:
    new, known = [], []
    for twin in list(run.expression)[7:10:2]:
        new.append({d: v for (d, _), v in run.predict("--cell", run.expression_file(twin, tmp_path)).items()})
        known.append({d: v for (d, _), v in run.predict("--cell", twin).items()})
        assert len(new[-1]) == N_DRUGS and _alike(new[-1], known[-1]) > 0.7
    # how strong a drug is on all cell lines is not in the difference of two
    apart = [{d: one[d] - other[d] for d in one} for one, other in (new, known)]
    assert _alike(*apart) > 0.7


@pytest.fixture(scope="module")
def planted() -> np.ndarray:
    """Expression of the screen as log2 of abundance, (cell lines, genes)."""
    return plant(drugs=N_DRUGS, cells=N_CELL_LINES, genes=60, seed=0).expression


def _predicted(run: Run, folder: Path, column: str, values: np.ndarray) -> dict[str, float]:
    path = folder / f"{column}.csv"
    genes = [f"SYNTHETICG{i + 1:05d}" for i in range(len(values))]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("gene", column), *zip(genes, values.tolist(), strict=True)])
    return {drug: value for (drug, _), value in run.predict("--cell", str(path)).items()}


def test_raw_values_are_predicted_as_the_z_scores_that_they_are_made_of(
    run: Run, planted: np.ndarray, tmp_path: Path
) -> None:
    mean, deviation = planted.mean(0), planted.std(0)
    z = zscore(planted, axis=0)[2]
    line, _ = np.linalg.qr(np.stack([np.ones(60), mean]).T / deviation[:, None])
    z -= line @ (line.T @ z)  # with nothing in it that a straight line through the means explains
    log2 = mean + deviation * z
    log2 += np.log2((1e6 + 60) / (2.0**log2).sum())  # so that 2**log2 - 1 is TPM
    tpm = 2.0**log2 - 1
    assert tpm.min() > 0
    expected = _predicted(run, tmp_path, "z", z)
    assert _predicted(run, tmp_path, "log2", log2) == pytest.approx(expected, abs=1e-3)
    assert _predicted(run, tmp_path, "tpm", tpm) == pytest.approx(expected, abs=1e-3)
    assert _predicted(run, tmp_path, "counts", np.round(tpm * 300)) == pytest.approx(expected, abs=0.02)


def test_raw_values_of_a_known_line_rank_drugs_as_its_z_scores(
    run: Run, planted: np.ndarray, tmp_path: Path
) -> None:
    for line in (2, 11):
        expected = _predicted(run, tmp_path, "z", zscore(planted, axis=0)[line])
        for column, values in (("log2", planted[line]), ("tpm", 2.0 ** planted[line] - 1)):
            assert _alike(_predicted(run, tmp_path, column, values), expected) > 0.98


def test_new_drug_on_a_new_cell_line_follows_what_both_are_like(run: Run, tmp_path: Path) -> None:
    smiles = next(iter(run.structure.values()))
    on_known = {c: v for (_, c), v in run.predict("--drug", smiles).items()}
    low, high = min(on_known, key=on_known.__getitem__), max(on_known, key=on_known.__getitem__)
    found = [
        run.predict("--drug", smiles, "--cell", run.expression_file(cell_line, tmp_path))[
            NEW_DRUG, NEW_CELL_LINE
        ]
        for cell_line in (low, high)
    ]
    assert found[0] + 0.3 < found[1]


def test_prediction_of_a_new_drug_is_the_same_whatever_else_is_asked(run: Run, tmp_path: Path) -> None:
    smiles = "CCOc1ccccc1"
    together = run.predict("--drug", smiles)
    assert len(set(together.values())) == N_CELL_LINES
    for cell_line in list(run.expression)[:3]:
        alone = run.predict("--drug", smiles, "--cell", cell_line)
        assert alone == {(NEW_DRUG, cell_line): pytest.approx(together[NEW_DRUG, cell_line], abs=1e-4)}
    both = ("--drug", smiles, "--cell", run.expression_file(next(iter(run.expression)), tmp_path))
    assert run.predict(*both) == run.predict(*both)


def test_known_pairs_keep_their_predictions_beside_new_entities(run: Run) -> None:
    graph = saved.load_graph(run.folder)
    z = next(iter(run.expression.values()))
    drug, cell_line = np.repeat(np.arange(N_DRUGS), N_CELL_LINES), np.tile(np.arange(N_CELL_LINES), N_DRUGS)
    before = saved.load(run.folder, graph)
    after = saved.load(run.folder, with_new_cell_line(with_new_drug(graph, "CCOc1ccccc1"), z))
    # similarities depend on the whole graph (how rare a bit is, how far cell lines lie apart), so components that read
    # them change a little; the others should not
    assert after.predict(drug, cell_line) == pytest.approx(before.predict(drug, cell_line), abs=0.05)
    for name, was, now in zip(
        COMPONENTS, _components(before, drug, cell_line), _components(after, drug, cell_line), strict=True
    ):
        if name in ("relational", "factors"):
            assert torch.allclose(was, now, atol=1e-5), name
        else:
            assert (was - now).abs().mean() < 0.05 * was.std(), name
    new = _components(after, np.array([N_DRUGS]), np.array([N_CELL_LINES]))
    assert len(new) == len(COMPONENTS) and all(one.isfinite().all() for one in new)


def _components(fitted: Fitted, drug: np.ndarray, cell_line: np.ndarray) -> tuple[torch.Tensor, ...]:
    with torch.inference_mode():
        pairs = (torch.from_numpy(drug), torch.from_numpy(cell_line))
        return fitted.members[0].network(fitted.tensors, fitted.messages, *pairs).components


def test_the_papers_network_says_that_it_cannot_predict_what_is_new(run: Run, tmp_path: Path) -> None:
    graph, config = saved.load_graph(run.folder), load_preset("drgt", training={"members": 1, "epochs": 1})
    measured = responses(graph, run.task)
    fitted = fit(network_tensors(graph, config.network), measured, config, seed=0, task=run.task)
    saved.save(fitted, graph, measured, tmp_path, about={})
    z = next(iter(run.expression.values()))
    for grown in (with_new_drug(graph, "CCOc1ccccc1"), with_new_cell_line(graph, z)):
        with pytest.raises(ModelError, match="preset drgt cannot predict drugs or cell lines that were not"):
            saved.load(tmp_path, grown)
