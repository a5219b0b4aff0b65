"""Predictions from a run's arrays, against the network and the matrices that they were made of."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from torch.nn import functional

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.fingerprints import FINGERPRINTS
from pharmagraph.kg.heterograph import Heterograph, arrays
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names
from pharmagraph.model.explain.counterfactuals import what_if
from pharmagraph.model.inputs import edits
from pharmagraph.model.inputs.changes import NEW_CELL_LINE, Change
from pharmagraph.model.inputs.edits import with_new_cell_line, with_new_drug
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.inputs.views import CELL_LINE_KERNELS, DRUG_KERNELS, GENE_FEATURES
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.gaussian_process import GaussianProcessComponent
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.predictor import features as features_module
from pharmagraph.model.predictor.gene_part import GenePart
from pharmagraph.model.predictor.predictor import FILE
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.runs import freeze, saved
from pharmagraph.model.runs.folder import GRAPH
from pharmagraph.model.runs.predictions import predict
from pharmagraph.model.targets.run import fit_gene_attention
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.gene_effects import EnsembleEffects, gene_effects
from tests.screens import screen, with_alterations

torch.set_num_threads(1)

WEIGHTS = {"axial": 0.0, "gaussian_process": 0.75, "factors": 0.25}
STRUCTURE = "CCOc1ccc(cc1)C(=O)N"
CASES: list[tuple[Task, Split]] = [
    ("classification", Split.random),
    ("regression", Split.random),
    ("regression", Split.unseen_both),
]


@pytest.fixture(
    scope="module",
    params=[CASES[0], *(pytest.param(case, marks=pytest.mark.once) for case in CASES[1:])],
    ids=lambda case: f"{case[0]}-{case[1].value}",
)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Heterograph, Fitted]:
    """A saved run in whose predictions the network's layers have no part."""
    task, split = request.param
    config = load_preset(
        "default",
        network={"channels": 8, "n_associated_genes": 6, "factor_starts": 2},
        training={"epochs": 2, "members": 2, "untested_pairs": 50, "factor_map_penalties": [100.0]},
    )
    assert config.targets is not None
    config = config.model_copy(
        update={"targets": config.targets.model_copy(update={"steps": 5, "members": 2})}
    )
    heterograph = with_alterations(screen())
    tensors, measured = network_tensors(heterograph, config.network), responses(heterograph, task)
    attention = fit_gene_attention(heterograph, tensors, measured, config, task=task, seed=0)
    fitted = fit(tensors, measured, config, seed=0, task=task, split=split, gene_attention=attention)
    for member in fitted.members:
        member.network.component_weights.copy_(torch.tensor(list(WEIGHTS.values())))
    folder = tmp_path_factory.mktemp("run")
    saved.save(fitted, heterograph, measured, folder, about={})
    return folder, heterograph, fitted


def _predictor(folder: Path) -> Predictor:
    return Predictor(folder, SavedArrays(folder / GRAPH))


def _all(predictor: Predictor) -> tuple[list[Entity], list[Entity]]:
    features = predictor.features
    return (
        [Entity(n) for n in range(len(features.drugs))],
        [Entity(n) for n in range(len(features.cell_lines))],
    )


def test_known_pairs_are_what_the_network_predicts(run: tuple[Path, Heterograph, Fitted]) -> None:
    folder, heterograph, fitted = run
    predictor = _predictor(folder)
    drugs, cell_lines = _all(predictor)
    found = predictor.predict(drugs, cell_lines)
    cell_line, drug = np.indices(found.shape)
    expected = fitted.predict(drug.ravel(), cell_line.ravel()).reshape(found.shape)
    assert found == pytest.approx(expected, abs=2e-3)  # conjugate gradients stop at a residual of 1e-4
    measured = np.zeros(found.shape, bool)
    pairs: Responses = responses(heterograph, fitted.scale.task)
    measured[pairs.cell_line, pairs.drug] = True
    assert (predictor.was_measured(drugs, cell_lines) == measured).all() and measured.any()


def test_a_known_pair_loads_none_of_the_large_packages(run: tuple[Path, Heterograph, Fitted]) -> None:
    drug, cell_line = (str(run[1].ids[kind][0]) for kind in ("Drug", "CellLine"))
    script = (
        "import sys; from pathlib import Path; from pharmagraph.kg.names import Names\n"
        "from pharmagraph.model.runs.predictions import predict\n"
        f"predict(Path({str(run[0])!r}), drugs=[{drug!r}], cell_lines=[{cell_line!r}], note=str,\n"
        f"  drug_names=Names('drug', {{{drug!r}: []}}), cell_line_names=Names('cell line', {{{cell_line!r}: []}}),\n"
        "  gene_names=lambda: 1 / 0)\n"
        "print(sorted({'torch', 'dgl', 'pandas', 'scipy', 'rdkit', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_ids_of_the_graph_are_read_once(
    run: tuple[Path, Heterograph, Fitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, heterograph, _ = run
    drug, cell_line, gene = (str(heterograph.ids[kind][0]) for kind in ("Drug", "CellLine", "Gene"))
    read: list[Path] = []
    file = arrays.pq.ParquetFile

    def counted(path: Path) -> object:
        read.append(path)
        return file(path)

    monkeypatch.setattr(arrays.pq, "ParquetFile", counted)
    (row,) = predict(
        folder, drugs=[drug], cell_lines=[{gene: 1.0}], note=print, drug_names=Names("drug", {drug: []}),
        cell_line_names=Names("cell line", {}), gene_names=lambda: Names("gene", {}),
    )  # fmt: skip
    assert row["cell_line"] == NEW_CELL_LINE and read == [folder / GRAPH / "nodes.parquet"]
    assert what_if(folder, drug, cell_line, [Change(gene, "expression", 1.0)]) and len(read) == 2


def test_rows_of_similarities_are_those_of_the_matrices(run: tuple[Path, Heterograph, Fitted]) -> None:
    folder, heterograph, fitted = run
    features = _predictor(folder).features
    other_than_stored = [k != "stored" for k in CELL_LINE_KERNELS]
    for cell_line in range(len(features.cell_lines)):
        row = features.cell_line_similarities(features.omics(cell_line))
        expected = fitted.tensors.cell_line_kernels[cell_line].numpy()
        assert row[:, other_than_stored] == pytest.approx(expected[:, other_than_stored], abs=2e-5)
    other_than_stored = [k != "stored" for k in DRUG_KERNELS]
    for drug in np.flatnonzero(heterograph.nodes["Drug"]["has_structure"].numpy()):
        views = {name: heterograph.nodes["Drug"][name][drug][None].numpy() for name in FINGERPRINTS}
        row, expected = features.drug_similarities(views)[0], fitted.tensors.drug_kernels[drug].numpy()
        assert row[:, other_than_stored] == pytest.approx(expected[:, other_than_stored], abs=2e-5)


def test_new_entities_are_predicted_as_by_the_network_on_the_graph_with_them(
    run: tuple[Path, Heterograph, Fitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, heterograph, fitted = run
    views = {}
    for name in FINGERPRINTS:  # the first drug's, with every fifth bit the other way
        row = heterograph.nodes["Drug"][name][:1].numpy().copy()
        row[:, ::5] = 1 - row[:, ::5].clip(max=1)
        views[name] = row
    for module in (features_module, edits):
        monkeypatch.setattr(module, "fingerprints", lambda smiles: views)
    predictor = _predictor(folder)
    drugs, cell_lines = _all(predictor)
    z = {gene: 2.0 - 0.5 * n for n, gene in enumerate(list(predictor.features.genes)[:9])}
    new_drug, new_cell_line = predictor.new_drug(STRUCTURE), predictor.new_cell_line(z)
    found = predictor.predict([*drugs, new_drug], [*cell_lines, new_cell_line])
    graph = with_new_cell_line(with_new_drug(heterograph, STRUCTURE), z)
    network = saved.load(folder, graph)
    cell_line, drug = np.indices(found.shape)
    expected = network.predict(drug.ravel(), cell_line.ravel()).reshape(found.shape)
    for ours, theirs in ((found[:, -1], expected[:, -1]), (found[-1], expected[-1])):
        # widths, means and ranks are those of a graph of one entity more there, so the values differ a little
        logits = [[_output(fitted, value) for value in values] for values in (ours, theirs)]
        assert np.corrcoef(logits)[0, 1] > 0.97
    assert found[:-1, :-1] == pytest.approx(predictor.predict(drugs, cell_lines), abs=1e-5)
    assert predictor.predict([new_drug], [new_cell_line])[0, 0] == pytest.approx(found[-1, -1], abs=1e-5)


@pytest.mark.parametrize("kind", ["expression", "mutation"])
def test_a_changed_gene_moves_the_prediction_by_its_own_part_and_by_those_in_the_kernels_and_factors(
    run: tuple[Path, Heterograph, Fitted], kind: Literal["expression", "mutation"]
) -> None:
    folder, _, fitted = run
    predictor = _predictor(folder)
    features, drug, cell_line = predictor.features, 2, 3
    table: torch.Tensor = getattr(fitted.tensors, kind)
    effects = gene_effects(fitted)
    assert effects is not None
    column = effects.pairs.column
    of_gene = effects.pairs.features.gene[column]
    usable = (effects.pairs.drug == drug) & (table[cell_line, of_gene] != 0)
    usable &= effects.pairs.features.kind[column] == GENE_FEATURES.index(kind)
    gene = int(of_gene[(effects.effect.mean(0).abs() * usable).argmax()])  # that counts most for the drug
    same = Change("G", kind, float(table[cell_line, gene]))
    one = predictor.predict([Entity(drug)], [Entity(cell_line)])[0, 0]
    unchanged = predictor.changed(drug, cell_line, same, gene)
    assert predictor.predict([unchanged[0]], [unchanged[1]])[0, 0] == pytest.approx(one, abs=1e-7)

    absent = Change("G", kind, None if kind == "expression" else 0.0)
    entities = predictor.changed(drug, cell_line, absent, gene)
    found = predictor.predict([entities[0]], [entities[1]])[0, 0]
    omics = features.omics(cell_line)
    least = float(min(table[:, gene].min(), 0))
    after = features.changed(omics, kind, gene, least)
    difference = torch.from_numpy(
        features.cell_line_similarities(after) - features.cell_line_similarities(omics)
    )
    changed_table = table.clone()
    changed_table[cell_line, gene] = least
    changed_tensors = replace(fitted.tensors, **{kind: changed_table})
    values = effects.pairs.features.values
    deviations = values(changed_tensors) - values(fitted.tensors)
    expected, by_genes = 0.0, 0.0
    for member in fitted.members:
        network = member.network
        assert isinstance(network, RelationalNetwork) and network.gaussian_process and network.factors
        with torch.inference_mode():
            states, _ = network.states(fitted.tensors, fitted.messages)
            terms = network.gaussian_process.contributions(fitted.tensors, states, fitted.messages)
            kernel = difference @ functional.softplus(network.gaussian_process.of_cell_lines)
            process = float(kernel @ terms.source @ terms.kernel_d[:, drug])
            components = network.encoder.components(fitted.tensors)
            changed = (components[0], network.encoder.cell_line_components(changed_tensors.expression))
            pair = (torch.tensor([drug]), torch.tensor([cell_line]))
            factors = float(network.factors(changed, *pair) - network.factors(components, *pair))
        assert terms.genes is not None
        slope, of_genes = (
            float(network.calibration[0]),
            float(terms.genes.of_values(deviations)[cell_line, drug]),
        )
        process += of_genes
        by_genes += slope * WEIGHTS["gaussian_process"] * of_genes / len(fitted.members)
        expected += (
            slope
            * (WEIGHTS["gaussian_process"] * process + WEIGHTS["factors"] * factors)
            / len(fitted.members)
        )
    assert abs(expected) > 1e-6 and abs(by_genes) > 1e-4
    assert _output(fitted, found) - _output(fitted, one) == pytest.approx(expected, rel=1e-2, abs=1e-5)


def _columns(effects: EnsembleEffects, kind: np.ndarray, gene: np.ndarray) -> list[int]:
    """Positions in the columns of the network of those that the predictor keeps."""
    features = effects.pairs.features
    at = {pair: n for n, pair in enumerate(zip(features.kind.tolist(), features.gene.tolist(), strict=True))}
    return [at[pair] for pair in zip(kind.tolist(), gene.tolist(), strict=True)]


def test_genes_have_the_values_and_effects_that_they_have_in_the_networks(
    run: tuple[Path, Heterograph, Fitted],
) -> None:
    folder, _, fitted = run
    predictor, effects = _predictor(folder), gene_effects(fitted)
    part = predictor.gene_part
    assert part is not None and effects is not None and set(part.kind.tolist()) == {0, 1, 2}
    columns = _columns(effects, part.kind, part.gene)
    n_drugs, n_columns = len(predictor.features.drugs), effects.pairs.values.shape[1]
    dense = np.zeros((n_drugs, n_columns))
    dense[effects.pairs.drug, effects.pairs.column] = effects.effect.mean(0)
    assert part.effects(np.arange(n_drugs)) == pytest.approx(dense[:, columns], abs=1e-6)
    assert not np.delete(dense, columns, axis=1).any() and dense.any()
    for cell_line in range(len(predictor.features.cell_lines)):
        found = part.values(predictor.features.omics(cell_line))
        assert found == pytest.approx(effects.pairs.values[cell_line, columns].numpy(), abs=1e-5)
    expected = np.zeros((len(effects.pairs.values), n_drugs))
    for member in fitted.members:
        process = member.network.gaussian_process
        assert isinstance(process, GaussianProcessComponent)
        with torch.inference_mode():
            genes = process.contributions(fitted.tensors, {}, fitted.messages).genes
        assert genes is not None
        share = WEIGHTS["gaussian_process"] * float(member.network.calibration[0]) / len(fitted.members)
        expected += share * genes.total.numpy()
    assert effects.pairs.values.numpy() @ dense.T == pytest.approx(expected, abs=1e-4)


def test_a_new_cell_line_is_at_the_mean_in_kinds_of_which_nothing_is_known(
    run: tuple[Path, Heterograph, Fitted],
) -> None:
    predictor = _predictor(run[0])
    genes, part, mean = list(predictor.features.genes), predictor.gene_part, run[2].tensors.expression.mean(0)
    assert part is not None
    values = predictor.new_cell_line({gene: float(z) for gene, z in zip(genes, mean + 1, strict=True)}).genes
    assert values is not None and not values[part.kind != 0].any() and values[part.kind == 0].any()


def test_a_new_drug_attends_to_the_genes_that_it_attends_to_in_the_network_on_the_graph_with_it(
    run: tuple[Path, Heterograph, Fitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, heterograph, _ = run
    views = {name: heterograph.nodes["Drug"][name][:1].numpy().copy() for name in FINGERPRINTS}
    for row in views.values():
        row[:, ::9] = 1 - row[:, ::9].clip(max=1)
    for module in (features_module, edits):
        monkeypatch.setattr(module, "fingerprints", lambda smiles: views)
    predictor = _predictor(folder)
    found, part = predictor.new_drug(STRUCTURE).genes, predictor.gene_part
    effects = gene_effects(saved.load(folder, with_new_drug(heterograph, STRUCTURE)))
    assert found is not None and part is not None and effects is not None
    mine = effects.pairs.drug == len(predictor.features.drugs)
    dense = np.zeros(effects.pairs.values.shape[1])
    dense[effects.pairs.column[mine]] = effects.effect[:, mine].mean(0)
    expected = dense[_columns(effects, part.kind, part.gene)]
    assert expected.any() and ((found != 0) == (expected != 0)).mean() > 0.95
    assert np.corrcoef(found, expected)[0, 1] > 0.98
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=0.1)


def test_a_target_moves_a_drug_towards_drugs_that_have_it(run: tuple[Path, Heterograph, Fitted]) -> None:
    folder, heterograph, _ = run
    predictor = _predictor(folder)
    targets = heterograph.relations["Drug", "TARGETS", "Gene"]
    drug, gene = int(targets.src[0]), int(targets.dst[0])
    without = predictor.changed(drug, 1, Change("G", "target", 0.0), gene)
    assert without[0].overlap is not None
    others = [int(d) for d, g in zip(targets.src, targets.dst, strict=True) if g == gene and d != drug]
    assert all(without[0].overlap[other] < 0 for other in others)  # it shares one known target less with them
    before, after = (predictor.predict([d], [Entity(1)])[0, 0] for d in (Entity(drug), without[0]))
    assert np.isfinite(after) and after != before
    with_it = predictor.changed(drug, 1, Change("G", "target", 1.0), gene)
    assert with_it[0].as_trained  # it had the target before


def _effects_with_held_weights(
    fitted: Fitted, folder: Path, heterograph: Heterograph, effects: EnsembleEffects, drug: int
) -> np.ndarray:
    """What the networks' attention on another graph makes of what they learned, (n_columns,)."""
    pairs = saved.on_graph(fitted, folder, heterograph).messages.gene_pairs
    assert pairs is not None and len(pairs.features) == len(effects.pairs.features)
    mine, dense = pairs.drug == drug, np.zeros(pairs.values.shape[1])
    for member, weights in zip(fitted.members, effects.weights, strict=True):
        process = member.network.gaussian_process
        assert isinstance(process, GaussianProcessComponent) and process.gene_part is not None
        with torch.inference_mode():
            each = process.gene_part.coefficients(pairs) * weights[:, pairs.column]
        scale = float(fitted.messages.drug_scale[drug]) / len(fitted.members)
        dense[pairs.column[mine]] += scale * each[:, mine].sum(0).numpy()
    return dense


@pytest.mark.parametrize("how", ["taken away", "of other drugs", "of no drug"])
def test_another_known_target_changes_the_genes_that_a_drug_attends_to_as_in_the_networks(
    run: tuple[Path, Heterograph, Fitted], how: str
) -> None:
    folder, heterograph, fitted = run
    predictor, effects = _predictor(folder), gene_effects(fitted)
    part = predictor.gene_part
    assert part is not None and effects is not None
    drug, cell_line, known = 5, 2, heterograph.relations["Drug", "TARGETS", "Gene"]
    own = int(known.dst[known.src == drug][0])
    of_others = next(int(gene) for gene in known.dst if gene != own)
    of_none = next(gene for gene in range(heterograph.n_nodes("Gene")) if gene not in known.dst)
    gene = {"taken away": own, "of other drugs": of_others, "of no drug": of_none}[how]
    change = Change("G", "target", float(how != "taken away"))
    entity, _ = predictor.changed(drug, cell_line, change, gene)
    columns = _columns(effects, part.kind, part.gene)
    before, after = (
        _effects_with_held_weights(fitted, folder, graph, effects, drug)
        for graph in (heterograph, edits.changed(heterograph, change, drug, cell_line, gene))
    )
    assert part.effects(np.array([drug]))[0] == pytest.approx(before[columns], abs=1e-6)
    assert part.of_drug(drug, predictor.features.targets[drug], predictor.features) == pytest.approx(
        before[columns], abs=2e-3 * np.abs(before).max()
    )
    assert entity.genes is not None
    assert entity.genes == pytest.approx((after - before)[columns], abs=3e-3 * np.abs(before).max())
    assert np.abs(after - before).max() > 0.05 * np.abs(before).max()
    without = replace(entity, genes=None)
    found, by_overlap = (predictor.outputs([one], [Entity(cell_line)])[0, 0] for one in (entity, without))
    expected = float(part.values(predictor.features.omics(cell_line)) @ entity.genes)
    assert found - by_overlap == pytest.approx(expected, abs=1e-5) and abs(expected) > 1e-5


def test_a_target_to_which_no_drug_attends_takes_its_share_of_the_attention_to_targets(
    run: tuple[Path, Heterograph, Fitted],
) -> None:
    predictor = _predictor(run[0])
    features, whole = predictor.features, predictor.gene_part
    assert whole is not None
    n_checked = 0
    for drug, gene in np.argwhere(~features.targets).tolist():
        of_gene = whole.gene == gene
        read = whole.effects(np.array([drug]))[0] != 0
        if not of_gene.any() or features.targets[:, gene].any() or read[of_gene].any():
            continue
        targets = features.targets[drug].copy()
        targets[gene] = True
        expected = whole.of_drug(drug, targets, features)
        if expected[of_gene].any():  # it is a candidate by association then
            continue

        def others(name: str, left: np.ndarray = ~of_gene) -> np.ndarray:
            """The predictor's arrays as if no drug attended to the gene."""
            values = predictor.array(name)
            by_column = name.removeprefix("genes/") in ("kind", "gene", "mean", "deviation")
            if by_column or name.endswith(("/own", "/weights")):
                return values[..., left]
            return values

        found = GenePart(others, len(predictor.members)).of_drug(drug, targets, features)
        assert found == pytest.approx(expected[~of_gene], abs=2e-3 * float(np.abs(expected).max()))
        without = whole.of_drug(drug, features.targets[drug], features)[~of_gene]
        assert not np.allclose(found, without, atol=0.02 * float(np.abs(expected).max()))
        n_checked += 1
        if n_checked == 5:
            return
    assert n_checked


DAMAGE: dict[str, tuple[Callable[[dict[str, np.ndarray]], object], str]] = {
    "nan": (lambda arrays: arrays["logit"].fill(np.nan), "gives a prediction that is no finite number"),
    "nan of new cell lines": (lambda arrays: arrays["cell_line_mean"].fill(np.nan), "is no finite number"),
    "of another graph": (
        lambda arrays: arrays.update(logit=arrays["logit"][1:].copy()),
        "is of .* and the run's graph",
    ),
    "an array is missing": (lambda arrays: arrays.pop("drug_offset"), "cannot be read .*drug_offset"),
    "an array is shorter": (
        lambda arrays: arrays.update(cell_line_axes=arrays["cell_line_axes"][:-1].copy()),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_arrays_that_do_not_fit_are_said_in_one_line(
    how: str, run: tuple[Path, Heterograph, Fitted], tmp_path: Path
) -> None:
    damage, message = DAMAGE[how]
    folder = tmp_path / "run"
    shutil.copytree(run[0], folder)
    with safe_open(folder / FILE, framework="numpy") as file:
        about = file.metadata()
    arrays = load_file(folder / FILE)
    damage(arrays)
    save_file(arrays, folder / FILE, metadata=about)
    with pytest.raises(ModelError, match=message) as refused:
        _predict_all(folder, gene=str(run[1].ids["Gene"][0]))
    assert "\n" not in str(refused.value) and FILE in str(refused.value)


def _predict_all(folder: Path, gene: str) -> np.ndarray:
    predictor = Predictor(folder, SavedArrays(folder / GRAPH))
    drugs, cell_lines = _all(predictor)
    return predictor.predict(drugs, [*cell_lines, predictor.new_cell_line({gene: 1.0})])


def test_a_run_whose_layers_have_a_part_keeps_no_predictor(
    run: tuple[Path, Heterograph, Fitted], tmp_path: Path
) -> None:
    _, heterograph, fitted = run
    for member in fitted.members:
        member.network.component_weights.copy_(torch.tensor([0.1, 0.65, 0.25]))
    try:
        assert not freeze.can_freeze(fitted)
        saved.save(fitted, heterograph, responses(heterograph, fitted.scale.task), tmp_path, about={})
    finally:
        for member in fitted.members:
            member.network.component_weights.copy_(torch.tensor(list(WEIGHTS.values())))
    assert Predictor.of(tmp_path, SavedArrays(tmp_path / GRAPH)) is None


def _output(fitted: Fitted, prediction: float) -> float:
    """The blended output of the ensemble that is a prediction."""
    if fitted.scale.task == "classification":
        prediction = float(np.clip(prediction, 1e-12, 1 - 1e-7))
        return float(np.log(prediction / (1 - prediction)))
    return (fitted.scale.mean - prediction) / fitted.scale.deviation


def test_changes_together_are_one_cell_line_and_one_drug_with_all_of_them(
    run: tuple[Path, Heterograph, Fitted],
) -> None:
    folder, heterograph, _ = run
    predictor, drug, cell_line = _predictor(folder), 5, 2
    features, known = predictor.features, heterograph.relations["Drug", "TARGETS", "Gene"]
    first, second = np.flatnonzero(features.expression[cell_line])[:2].tolist()
    own, of_none = int(known.dst[known.src == drug][0]), int(np.flatnonzero(~features.targets.any(0))[0])
    changes = [
        (Change("A", "expression", 2.5), first),
        (Change("B", "expression", -1.5), second),
        (Change("C", "mutation", 1.0), first),
        (Change("D", "target", 0.0), own),
        (Change("E", "target", 1.0), of_none),
    ]

    def outcome(some: list[tuple[Change, int]]) -> float:
        of_drug, of_line = predictor.changed_together(drug, cell_line, some)
        return float(predictor.outputs([of_drug], [of_line])[0, 0])

    expression, mutation = features.expression[cell_line].copy(), features.mutation[cell_line].copy()
    expression[[first, second]], mutation[first] = (2.5, -1.5), 1.0
    after = replace(features.omics(cell_line), expression=expression, mutation=mutation)
    of_line = predictor.changed_together(drug, cell_line, changes)[1]
    assert of_line.similarities == pytest.approx(
        features.cell_line_similarities(after) - features.cell_line_similarities(features.omics(cell_line))
    )
    assert outcome(changes) == pytest.approx(outcome(changes[::-1]), abs=1e-6)
    alone = [outcome([one]) for one in changes]
    for one, value in zip(changes, alone, strict=True):
        entities = predictor.changed(drug, cell_line, *one)
        assert float(predictor.outputs([entities[0]], [entities[1]])[0, 0]) == value
    assert outcome(changes) not in alone
    with pytest.raises(ModelError, match="no known target"):
        outcome([changes[0], (Change("E", "target", 0.0), of_none)])
