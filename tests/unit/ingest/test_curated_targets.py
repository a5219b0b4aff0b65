"""Tests of the shipped drug–target and alias tables: shape, known facts, agreement with public sheets."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

from pharmagraph.kg.names import fold, fold_cell_line

SYMBOL = re.compile(r"^[A-Z][A-Z0-9-]*(orf[0-9]+)?$")
ACTIONS = {
    "activator",
    "agonist",
    "allosteric inhibitor",
    "antagonist",
    "binder",
    "covalent inhibitor",
    "degrader",
    "inhibitor",
    "modulator",
    "stabiliser",
}
# A row written from a label is of the strongest evidence, and no other row is.
SOURCES = {
    "approved-label": "FDA label",
    "clinical": "clinical literature",
    "preclinical-selective": "primary literature",
    "preclinical-multi-target": "primary literature",
}
# Drugs that act on DNA or whose direct target is contested; a row for one would be a made-up ground truth.
WITHOUT_PROTEIN_TARGET = ("Bleomycin", "Carmustine", "Cisplatin", "Mitomycin", "Oxaliplatin", "Temozolomide")


def read(name: str) -> pd.DataFrame:
    """A shipped table, every field as text."""
    with (files("pharmagraph.ingest.sources") / name).open(encoding="utf-8") as lines:
        return pd.read_csv(lines, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def targets() -> pd.DataFrame:
    return read("curated_targets.csv")


@pytest.fixture(scope="module")
def drug_aliases() -> pd.DataFrame:
    return read("drug_aliases.csv")


@pytest.fixture(scope="module")
def cell_line_aliases() -> pd.DataFrame:
    return read("cell_line_aliases.csv")


@pytest.fixture(scope="module")
def genes_by_drug(targets: pd.DataFrame) -> dict[str, set[str]]:
    genes: dict[str, set[str]] = defaultdict(set)
    for drug, gene in zip(targets["drug"], targets["gene"], strict=True):
        genes[fold(drug)].add(gene)
    return genes


def test_columns_are_those_of_a_targets_edge(targets: pd.DataFrame) -> None:
    assert list(targets.columns) == ["drug", "gene", "action", "source", "evidence"]
    assert not (targets == "").to_numpy().any()
    assert not targets.map(lambda field: field != field.strip()).to_numpy().any()


def test_at_least_250_drugs(targets: pd.DataFrame) -> None:
    assert targets["drug"].map(fold).nunique() >= 250


def test_a_pair_is_listed_once_after_folding(targets: pd.DataFrame) -> None:
    pairs = Counter(zip(targets["drug"].map(fold), targets["gene"], strict=True))
    assert [pair for pair, times in pairs.items() if times > 1] == []


def test_a_drug_has_one_spelling(targets: pd.DataFrame) -> None:
    spellings = targets.groupby(targets["drug"].map(fold))["drug"].nunique()
    assert spellings[spellings > 1].empty


def test_genes_look_like_hgnc_symbols(targets: pd.DataFrame) -> None:
    assert [gene for gene in targets["gene"] if not SYMBOL.match(gene)] == []


def test_no_family_or_withdrawn_symbols(targets: pd.DataFrame) -> None:
    wrong = {
        "JNK",
        "ERK",
        "MEK",
        "AKT",
        "VEGFR2",
        "HER2",
        "HSP90",
        "PKM2",
        "MRE11A",
        "SETD8",
        "TUBB2C",
        "PI3K",
    }
    assert set(targets["gene"]) & wrong == set()


def test_vocabularies(targets: pd.DataFrame) -> None:
    assert set(targets["action"]) <= ACTIONS
    assert set(targets["evidence"]) == set(SOURCES)
    assert (targets["source"] == targets["evidence"].map(SOURCES)).all()


def test_rows_are_sorted_by_drug_then_gene(targets: pd.DataFrame) -> None:
    keys = list(zip(targets["drug"].str.upper(), targets["gene"], strict=True))
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("drug", "genes"),
    [
        ("Erlotinib", {"EGFR"}),
        ("Trametinib", {"MAP2K1", "MAP2K2"}),
        ("Camptothecin", {"TOP1"}),
        ("Etoposide", {"TOP2A", "TOP2B"}),
        ("Olaparib", {"PARP1", "PARP2"}),
        ("Venetoclax", {"BCL2"}),
        ("Nutlin-3a (-)", {"MDM2"}),
        ("Bortezomib", {"PSMB5"}),
        ("Imatinib", {"ABL1", "KIT", "PDGFRA"}),
        ("Methotrexate", {"DHFR"}),
        ("Vorinostat", {"HDAC1", "HDAC2", "HDAC3", "HDAC6"}),
        ("Tanespimycin", {"HSP90AA1", "HSP90AB1"}),
        ("JNK Inhibitor VIII", {"MAPK8", "MAPK9", "MAPK10"}),
        ("Palbociclib", {"CDK4", "CDK6"}),
    ],
)
def test_well_known_targets(genes_by_drug: dict[str, set[str]], drug: str, genes: set[str]) -> None:
    assert genes <= genes_by_drug[fold(drug)]


@pytest.mark.parametrize("drug", WITHOUT_PROTEIN_TARGET)
def test_drugs_that_act_on_dna_have_no_row(genes_by_drug: dict[str, set[str]], drug: str) -> None:
    assert fold(drug) not in genes_by_drug


def test_each_drug_alias_leads_to_one_name(drug_aliases: pd.DataFrame) -> None:
    assert list(drug_aliases.columns) == ["alias", "name"]
    assert drug_aliases["alias"].map(fold).is_unique


def test_each_cell_line_alias_leads_to_one_name(cell_line_aliases: pd.DataFrame) -> None:
    assert list(cell_line_aliases.columns) == ["alias", "name"]
    assert cell_line_aliases["alias"].map(fold_cell_line).is_unique


def test_aliases_end_at_a_name_and_do_more_than_folding(
    drug_aliases: pd.DataFrame, cell_line_aliases: pd.DataFrame
) -> None:
    for table, folded in ((drug_aliases, fold), (cell_line_aliases, fold_cell_line)):
        aliases, names = set(table["alias"].map(folded)), set(table["name"].map(folded))
        assert aliases & names == set()


def test_a_drug_with_targets_is_never_an_alias(targets: pd.DataFrame, drug_aliases: pd.DataFrame) -> None:
    assert set(targets["drug"].map(fold)) & set(drug_aliases["alias"].map(fold)) == set()


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("AZD2281", "Olaparib"),
        ("CEP-701", "Lestaurtinib"),
        ("RDEA119", "Refametinib"),
        ("17-AAG", "Tanespimycin"),
        ("2-fluoroAraA (fludarabine)", "Fludarabine"),
        ("Rapamycin", "Sirolimus"),
    ],
)
def test_well_known_drug_aliases(drug_aliases: pd.DataFrame, alias: str, name: str) -> None:
    names = dict(zip(drug_aliases["alias"].map(fold), drug_aliases["name"], strict=True))
    assert names[fold(alias)] == name


def test_aliases_merge_no_two_drugs_of_one_screen(drug_aliases: pd.DataFrame, benchmark_data: Path) -> None:
    names = dict(zip(drug_aliases["alias"].map(fold), drug_aliases["name"].map(fold), strict=True))
    for screen in ("gdsc1", "gdsc2"):
        drugs = pd.read_csv(benchmark_data / "drgt" / screen / "drug2smiles.csv")["Drug"].map(fold)
        assert drugs.map(lambda drug: names.get(drug, drug)).is_unique, screen


def test_aliases_join_no_two_accessions(cell_line_aliases: pd.DataFrame, benchmark_data: Path) -> None:
    """Where both registries know an alias and its name, they mean the same RRID (MDA-MB-435S fails this)."""
    rrids: dict[str, set[str]] = defaultdict(set)
    models = pd.read_csv(benchmark_data / "cells" / "cell_model_passports_20191106.csv", dtype=str)
    for name, rrid in zip(models["model_name"], models["RRID"], strict=True):
        rrids[fold_cell_line(name)].add(rrid)
    samples = pd.read_csv(benchmark_data / "cells" / "depmap_sample_info.csv", dtype=str)
    for name, rrid in zip(samples["cell_line_name"], samples["RRID"], strict=True):
        if isinstance(name, str) and isinstance(rrid, str):
            rrids[fold_cell_line(name)].add(rrid)
    checked = 0
    for alias, name in zip(cell_line_aliases["alias"], cell_line_aliases["name"], strict=True):
        of_alias, of_name = rrids[fold_cell_line(alias)], rrids[fold_cell_line(name)]
        if of_alias and of_name:
            checked += 1
            assert of_alias & of_name, f"{alias} and {name}"
    assert checked >= 5


def test_most_drugs_agree_with_the_gdsc_sheet(
    genes_by_drug: dict[str, set[str]], drug_aliases: pd.DataFrame, benchmark_data: Path
) -> None:
    """GDSC's own curation shares a gene with nearly all; the few that differ were inspected and kept."""
    names = dict(zip(drug_aliases["alias"].map(fold), drug_aliases["name"].map(fold), strict=True))
    sheet: dict[str, set[str]] = defaultdict(set)
    rows = pd.read_csv(benchmark_data / "targets" / "gdsc_drug_sheet_20191106.csv", dtype=str)
    for drug, genes in zip(rows["Name"].map(fold), rows["Gene Target"], strict=True):
        if isinstance(genes, str):
            sheet[names.get(drug, drug)] |= {gene.strip() for gene in re.split("[;,]", genes)}
    shared = genes_by_drug.keys() & sheet.keys()
    agreeing = [drug for drug in shared if genes_by_drug[drug] & sheet[drug]]
    assert len(shared) >= 250
    assert len(agreeing) / len(shared) >= 0.95
