"""Real profiles of held-out cell lines, scaled, shifted, bent and shuffled: what is found, corrected and said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.heterograph import Heterograph, save
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names, fold_gene
from pharmagraph.kg.reading.table import Table
from pharmagraph.model.runs.profiles import RunGenes, read_profile

N_LINES, N_OUT = 120, 8


@dataclass(frozen=True)
class Screen:
    """GDSC1's expression: genes of a run, and values and z scores of lines that it does not have."""

    genes: RunGenes
    ids: list[str]
    values: np.ndarray
    z: np.ndarray

    def read(self, number: int, values: np.ndarray, column: str = "value") -> tuple[np.ndarray, str]:
        notes: list[str] = []
        frame = pd.DataFrame({"gene": self.ids, column: values})
        found = read_profile(Table.of_frame("line", frame), self.genes, notes.append)
        return np.array([found[id_] for id_ in self.ids]), " ".join(notes)


def genes_of(
    folder: Path, ids: list[str], mean: np.ndarray, deviation: np.ndarray, z: np.ndarray | None
) -> RunGenes:
    nodes = {
        "Gene": {
            "expression_mean": torch.tensor(mean, dtype=torch.float32),
            "expression_deviation": torch.tensor(deviation, dtype=torch.float32),
        },
        "CellLine": {} if z is None else {"expression": torch.tensor(z, dtype=torch.float32)},
    }
    lines = np.array([f"LINE{n}" for n in range(0 if z is None else len(z))], object)
    save(Heterograph({"Gene": np.array(ids, object), "CellLine": lines}, nodes, {}, (), ()), folder)
    return RunGenes(SavedArrays(folder), lambda: Names("gene", {id_: [] for id_ in ids}, fold_gene))


@pytest.fixture(scope="module")
def screen(benchmark_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Screen:
    table = pd.read_csv(benchmark_data / "drgt" / "gdsc1" / "gene_exp_part1.csv.gz", index_col=0)
    lines = np.random.default_rng(0).permutation(table.shape[1])[: N_LINES + N_OUT]
    values = 8 + 2.5 * table.iloc[:2500, lines].to_numpy(float).T  # as log2 of an array has them
    of_run, new = values[:N_LINES], values[N_LINES:]
    mean, deviation = of_run.mean(0), of_run.std(0)
    ids = [str(name) for name in table.index[:2500]]
    folder = tmp_path_factory.mktemp("screen") / "graph"
    genes = genes_of(folder, ids, mean, deviation, (of_run - mean) / deviation)
    return Screen(genes, ids, new, (new - mean) / deviation)


def agreement(found: np.ndarray, z: np.ndarray) -> float:
    return float(np.corrcoef(found, z)[0, 1])


def test_what_is_only_shifted_and_scaled_is_aligned_so_and_told(screen: Screen) -> None:
    for number, values in enumerate(screen.values):
        found, said = screen.read(number, values / 3 + 2)
        assert agreement(found, screen.z[number]) > 0.93
        assert "aligned by shift and scale over 2,500 shared genes" in said and "batch effect" not in said


BENDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "background of an array": lambda log2: np.log2(2.0**log2 + 2.0**7),
    "saturated": lambda log2: 14 * (1 - np.exp(-(log2 - 3) / 5)),
    "no logarithms": lambda log2: 2.0 ** (log2 / 5),
    "low values cut off": lambda log2: np.maximum(log2, 5.5),
}


@pytest.mark.parametrize("bend", BENDS)
def test_what_is_bent_is_aligned_by_quantiles_and_told(screen: Screen, bend: str, tmp_path: Path) -> None:
    mean, deviation = (screen.genes.reference.mean, screen.genes.reference.deviation)  # type: ignore[union-attr]
    bare = Screen(
        genes_of(tmp_path / "bare", screen.ids, mean, deviation, None), screen.ids, screen.values, screen.z
    )
    better = []
    for number, log2 in enumerate(screen.values):
        values = BENDS[bend](log2)
        found, said = screen.read(number, values)
        assert "batch effect; aligned by quantiles over 2,500 shared genes" in said
        assert agreement(found, screen.z[number]) > 0.9
        line, said = bare.read(number, values) if bend != "no logarithms" else (np.zeros(1), "")
        if len(line) > 1:
            assert "aligned by shift and scale" in said
            better.append(agreement(found, screen.z[number]) - agreement(line, screen.z[number]))
    if better:  # values that are no logarithms a straight line cannot align at all
        assert min(better) > 0 and np.mean(better) > 0.05


def test_a_shift_and_a_scale_of_z_scores_are_taken_out_and_told(screen: Screen) -> None:
    for number, z in enumerate(screen.z):
        as_it_is, said = screen.read(number, z, "z")
        assert as_it_is == pytest.approx(z) and "batch effect" not in said
        found, said = screen.read(number, 4 * z + 3, "z")
        assert "a batch effect; shift and scale were taken out over 2,500 shared genes" in said
        assert np.sqrt(((found - z) ** 2).mean()) < 0.5 < np.sqrt(((4 * z + 3 - z) ** 2).mean())


def test_values_in_a_column_of_z_scores_are_doubted_and_left(screen: Screen) -> None:
    found, said = screen.read(0, screen.values[0], "z")
    assert found == pytest.approx(screen.values[0]) and "call their column value" in said
    assert "taken out" not in said


def test_shuffled_genes_are_refused_as_values_and_told_as_z_scores(screen: Screen) -> None:
    order = np.random.default_rng(1).permutation(len(screen.ids))
    with pytest.raises(InputError, match="they are no expression, of other genes, or of another platform"):
        screen.read(0, screen.values[0][order])
    found, said = screen.read(0, screen.z[0][order], "z")
    assert found == pytest.approx(screen.z[0][order])
    assert "genes may be shuffled or misnamed" in said and "cannot be corrected" in said


def test_another_platform_is_refused_and_not_bent_into_the_runs(screen: Screen, benchmark_data: Path) -> None:
    """NCI-60's arrays were centred gene by gene: their z scores cannot come back."""
    table = pd.read_csv(benchmark_data / "drgt" / "nci60" / "gene_exp_part1.csv.gz", index_col=0)
    shared = [id_ for id_ in screen.ids if id_ in table.index]
    frame = pd.DataFrame({"gene": shared, "value": table.loc[shared].iloc[:, 0].to_numpy(float)})
    assert len(shared) > 300
    with pytest.raises(InputError, match="another platform"):
        read_profile(Table.of_frame("line", frame), screen.genes, lambda _: None)
