"""Folds: the paper's, to the row; unseen entities are unseen; nothing is on both sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.fingerprints import scaffolds
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import fold_cell_line
from pharmagraph.model.presets.choices import CellLineGroups, DrugGroups, Split
from pharmagraph.model.responses.groups import Groups, cell_line_groups, drug_groups
from pharmagraph.model.responses.inner_folds import inner_split
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.splits import folds, paper_order, transfer
from tests.screens import screen


def _of_table(table: pd.DataFrame) -> tuple[Responses, Heterograph]:
    """A sensitive/resistant table (drug × cell line) as the graph would hold it: nodes and pairs in order of id."""
    drug_ids = [f"NSC{i}" for i in table.index]
    cell_ids = [fold_cell_line(c) for c in table.columns]
    by_drug, by_cell = np.argsort(drug_ids), np.argsort(cell_ids)
    value = table.to_numpy()[by_drug][:, by_cell]
    drug, cell_line = np.nonzero(~np.isnan(value))
    label = value[drug, cell_line].astype(np.float32)
    ids = {"Drug": np.array(drug_ids, object)[by_drug], "CellLine": np.array(cell_ids, object)[by_cell]}
    nothing = np.full(len(drug), np.nan, np.float32)
    return Responses(drug, cell_line, label, nothing, *value.shape), Heterograph(ids, {}, {}, (), ())


@pytest.mark.benchdata
def test_random_folds_are_the_papers_to_the_row(benchmark_data: Path) -> None:
    table = pd.read_csv(benchmark_data / "drgt" / "nci60" / "drugAct.csv", index_col=0)
    smiles = pd.read_csv(benchmark_data / "drgt" / "nsc_cid_smiles_class_name.csv", index_col=0)
    table = table.loc[sorted(set(table.index) & set(smiles["NSC"])), sorted(table.columns)]
    measured, heterograph = _of_table(table)

    act = table.to_numpy().T  # as published: cell line × drug, sensitive entries first
    entries = np.concatenate([np.argwhere(act == 1), np.argwhere(act == 0)])
    assert len(entries) == len(measured) == 14_312
    published = KFold(5, shuffle=True, random_state=42).split(entries)
    for (_, test), fold in zip(published, folds(measured, heterograph, Split.random), strict=True):
        theirs = [(fold_cell_line(table.columns[c]), f"NSC{table.index[d]}") for c, d in entries[test]]
        ours = [
            (heterograph.ids["CellLine"][measured.cell_line[i]], heterograph.ids["Drug"][measured.drug[i]])
            for i in fold.test
        ]
        assert ours == theirs


def test_paper_order_puts_sensitive_pairs_first_and_counts_in_drug_numbers() -> None:
    table = pd.DataFrame([[1, 0], [0, 1], [1, np.nan]], index=[10000, 9, 740], columns=["K_562", "KM12"])
    measured, heterograph = _of_table(table)
    order = paper_order(measured, heterograph)
    named = [
        (
            float(measured.response[i]),
            heterograph.ids["CellLine"][measured.cell_line[i]],
            heterograph.ids["Drug"][measured.drug[i]],
        )
        for i in order
    ]
    assert named == [
        (1.0, "KM12", "NSC9"), (1.0, "K562", "NSC740"), (1.0, "K562", "NSC10000"),
        (0.0, "KM12", "NSC10000"), (0.0, "K562", "NSC9"),
    ]  # fmt: skip


@pytest.mark.parametrize("split", [Split.random, Split.unseen_drug, Split.unseen_cell])
def test_every_pair_is_tested_once_and_never_trained_on_in_that_fold(split: Split) -> None:
    heterograph = screen()
    measured = responses(heterograph)
    tested = []
    for fold in folds(measured, heterograph, split):
        assert not set(fold.train) & set(fold.test)
        assert len(fold.train) + len(fold.test) == len(measured)
        tested.append(fold.test)
    assert np.array_equal(np.sort(np.concatenate(tested)), np.arange(len(measured)))


@pytest.mark.parametrize("split", [Split.unseen_drug, Split.unseen_both])
def test_held_out_drug_has_no_training_pair_and_no_structure_twin_there(split: Split) -> None:
    heterograph = screen()
    fingerprint = heterograph.nodes["Drug"]["fingerprint"]
    fingerprint[1] = fingerprint[0]
    measured = responses(heterograph)
    group = drug_groups(heterograph)
    assert group[0] == group[1]
    for fold in folds(measured, heterograph, split):
        assert not set(group[measured.drug[fold.train]]) & set(group[measured.drug[fold.test]])


@pytest.mark.parametrize("split", [Split.unseen_cell, Split.unseen_both])
def test_held_out_cell_line_has_no_training_pair(split: Split) -> None:
    heterograph = screen()
    measured = responses(heterograph)
    for fold in folds(measured, heterograph, split):
        assert not set(measured.cell_line[fold.train]) & set(measured.cell_line[fold.test])


def test_drugs_without_structure_are_not_twins_of_each_other() -> None:
    heterograph = screen()
    heterograph.nodes["Drug"]["fingerprint"][:2] = 0
    group = drug_groups(heterograph)
    assert group[0] != group[1]
    assert len(set(group[:2]) & set(group[2:])) == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([Split.random, Split.unseen_drug, Split.unseen_cell]))
def test_inner_split_repeats_by_seed_and_keeps_entities_whole(seed: int, split: Split) -> None:
    measured = responses(screen())
    first, again = (inner_split(measured, split, fraction=0.2, seed=seed) for _ in range(2))
    assert np.array_equal(first.test, again.test)
    assert np.array_equal(np.sort(np.concatenate([first.train, first.test])), np.arange(len(measured)))
    entity = {Split.unseen_drug: measured.drug, Split.unseen_cell: measured.cell_line}.get(split)
    if entity is not None:
        assert not set(entity[first.train]) & set(entity[first.test])


def test_training_pairs_of_one_group_leave_nothing_to_select_on() -> None:
    measured = responses(screen())
    one = Groups(np.zeros(measured.n_drugs, int), np.zeros(measured.n_cell_lines, int))
    with pytest.raises(ModelError, match=r"of 1 groups of cell lines .* 0 train"):
        inner_split(measured, Split.unseen_cell, fraction=0.2, seed=0, groups=one)


def test_more_folds_than_cell_lines_is_refused_with_the_number() -> None:
    heterograph = screen(n_cell_lines=4)
    with pytest.raises(ModelError, match=r"4 groups of cell lines .*4 in all.* cannot be cut into 5 folds"):
        list(folds(responses(heterograph), heterograph, Split.unseen_cell))


def test_pair_measured_by_two_datasets_counts_once() -> None:
    heterograph = screen(datasets=2)
    tested = heterograph.relations["Drug", "TESTED_ON", "CellLine"]
    drug, cell_line, value = tested.src, tested.dst, tested.features
    again = {name: value[name][:1].clone() for name in ("ln_ic50", "auc", "response", "dataset")}
    again["ln_ic50"] += 2
    again["response"], again["dataset"] = 1 - again["response"], 1 - again["dataset"]
    twice = tested.append(drug[:1], cell_line[:1], again)
    measured = responses(heterograph.with_relation(("Drug", "TESTED_ON", "CellLine"), twice))
    assert len(measured) == len(drug)
    row = np.flatnonzero((measured.drug == int(drug[0])) & (measured.cell_line == int(cell_line[0])))
    assert measured.ln_ic50[row[0]] == pytest.approx(float(value["ln_ic50"][0]) + 1)
    of_first_dataset = (
        int(value["response"][0]) if int(value["dataset"][0]) == 0 else 1 - int(value["response"][0])
    )
    assert measured.response[row[0]] == of_first_dataset


def test_no_responses_and_one_class_are_refused() -> None:
    heterograph = screen(measured=0.0)
    with pytest.raises(ModelError, match="no drug responses"):
        responses(heterograph)
    heterograph = screen()
    heterograph.relations["Drug", "TESTED_ON", "CellLine"].features["response"][:] = 1
    with pytest.raises(ModelError, match="all sensitive"):
        responses(heterograph)
    assert len(responses(heterograph, "regression"))


def test_near_twins_of_structure_are_held_out_together_and_chains_of_them() -> None:
    heterograph = screen()
    fingerprint = heterograph.nodes["Drug"]["fingerprint"]
    bits = np.zeros((3, 64), np.uint8)
    bits[0, :20] = bits[1, :22] = bits[2, :25] = 1  # Tanimoto .91, .88, and .80 between the ends
    fingerprint[:3] = torch.from_numpy(bits)
    group = drug_groups(heterograph)
    assert group[0] == group[1] == group[2]
    assert len(set(drug_groups(heterograph, DrugGroups.alone))) == 24


def test_scaffolds_hold_analogues_together() -> None:
    heterograph = screen()
    family = np.arange(24) % 4
    group = drug_groups(heterograph, DrugGroups.scaffold)
    assert all(len(set(group[family == f])) == 1 for f in range(4))
    assert list(scaffolds(["c1ccccc1CCO", "Cc1ccccc1", "CCO", None])) == [0, 0, -1, -1]


def test_cell_lines_of_one_patient_are_held_out_together() -> None:
    heterograph = screen()
    edges = heterograph.relations["CellLine", "EXPRESSES", "Gene"]
    assert len(set(cell_line_groups(heterograph))) == 20
    edges = edges.take(edges.src != 1)
    first = edges.take(edges.src == 0)
    z = first.features["z"]
    again = {"z": z + 0.05 * torch.randn(z.shape, generator=torch.Generator().manual_seed(0))}
    again["dataset"] = torch.zeros(len(z), dtype=torch.int64)
    edges = edges.append(torch.ones_like(first.dst), first.dst, again)
    heterograph = heterograph.with_relation(("CellLine", "EXPRESSES", "Gene"), edges)
    group = cell_line_groups(heterograph)
    assert group[0] == group[1] and len(set(group)) == 19
    measured = responses(heterograph)
    for fold in folds(measured, heterograph, Split.unseen_cell):
        assert not set(group[measured.cell_line[fold.train]]) & set(group[measured.cell_line[fold.test]])


def test_whole_tissues_are_held_out_together() -> None:
    heterograph = screen()
    group = cell_line_groups(heterograph, CellLineGroups.tissue)
    tissue = heterograph.nodes["CellLine"]["tissue"].numpy()
    assert all(len(set(group[tissue == t])) == 1 for t in range(3))
    measured = responses(heterograph)
    groups = Groups.of(heterograph, cell_lines=CellLineGroups.tissue)
    fold = next(folds(measured, heterograph, Split.unseen_cell, 3, groups=groups))
    assert not set(tissue[measured.cell_line[fold.train]]) & set(tissue[measured.cell_line[fold.test]])


def test_transfer_tests_only_pairs_that_the_first_data_set_did_not_measure() -> None:
    heterograph = screen(datasets=2)
    tested = heterograph.relations["Drug", "TESTED_ON", "CellLine"]
    code = tested.features["dataset"]
    again = tested.take(torch.nonzero(code == 0)[:7, 0]).with_features(
        {"dataset": torch.ones(7, dtype=torch.int64)}
    )
    tested = tested.append(again.src, again.dst, again.features)
    heterograph = heterograph.with_relation(("Drug", "TESTED_ON", "CellLine"), tested)
    measured, fold = transfer(heterograph, "classification", train_on="set0", test_on="set1")
    assert len(fold.train) == int((code == 0).sum()) and len(fold.test) == int((code == 1).sum())
    pair = measured.drug * 1000 + measured.cell_line
    assert not set(pair[fold.train]) & set(pair[fold.test])


def test_transfer_between_data_sets_that_share_nothing_is_refused_with_counts() -> None:
    heterograph = screen(datasets=2)
    tested = heterograph.relations["Drug", "TESTED_ON", "CellLine"]
    tested = tested.take((tested.src < 12) == (tested.dst < 10))
    tested = tested.with_features({"dataset": (tested.src >= 12).long()})
    heterograph = heterograph.with_relation(("Drug", "TESTED_ON", "CellLine"), tested)
    with pytest.raises(ModelError, match="12 drugs in set0, 12 in set1, none in both; 10 cell lines"):
        transfer(heterograph, "classification", train_on="set0", test_on="set1")
    with pytest.raises(
        ModelError, match='no responses of "set7" in the graph; there are those of set0, set1'
    ):
        transfer(heterograph, "classification", train_on="set7", test_on="set1")
