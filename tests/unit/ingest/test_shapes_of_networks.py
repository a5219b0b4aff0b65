"""Interactions and pathways are read from the files that people have, told by content, and others are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pharmagraph import ingest
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.store import GraphStore

A, B, C = (f"SYNTHETICG0000{n}" for n in (1, 2, 3))
BIOGRID = (
    "#BioGRID Interaction ID\tOfficial Symbol Interactor A\tOfficial Symbol Interactor B\tExperimental System\t"
    "Experimental System Type\tOrganism ID Interactor A\tOrganism ID Interactor B\n"
)
INFO = "#string_protein_id\tpreferred_name\tprotein_size\tannotation\n"

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return written


def pairs(store: GraphStore) -> dict[tuple[str, str], str | None]:
    rows = store.read_edges("INTERACTS_WITH", ("Gene", "Gene"), ["src", "dst", "source"]).to_pylist()
    return {(row["src"], row["dst"]): row["source"] for row in rows}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (f"gene_a,gene_b,method\n{A},{B},two hybrid\n{C},{B},\n", "a table"),
        (f"{B}\tpp\t{A}\n{B} \tpp\t{C}\nALONE\n", "SIF"),
        (f"{B} pp {A} {C}\n", "SIF"),
        (f"PARTICIPANT_A\tINTERACTION_TYPE\tPARTICIPANT_B\n{A}\tbinds\t{B}\n{B}\tbinds\t{C}\n", "a table"),
        (
            BIOGRID
            + f"1\t{A}\t{B}\tTwo-hybrid\tphysical\t9606\t9606\n2\t{B}\t{C}\tTwo-hybrid\tphysical\t9606\t9606\n"
            + f"3\t{A}\t{C}\tSynthetic Lethality\tgenetic\t9606\t9606\n"
            + f"4\t{A}\t{C}\tTwo-hybrid\tphysical\t9606\t10090\n",
            "a BioGRID tab file",
        ),
        (f"#node1\tnode2\tcombined_score\n{A}\t{B}\t0.9\n{C}\t{B}\t0.7\n{A}\t{C}\t0.699\n", "STRING's table"),
    ],
    ids=["columns", "sif", "sif-several", "extended-sif", "biogrid", "string-table"],
)
def test_each_shape_is_told_by_content(store: GraphStore, write: Write, text: str, shape: str) -> None:
    report = ingest.interactions(store, write("network.txt", text))
    assert set(pairs(store)) == {(A, B), (B, C)}
    assert f"read as {shape}" in " ".join(report.bundle.notes)


def test_biogrid_says_what_it_leaves_out_and_the_method(store: GraphStore, write: Write) -> None:
    text = BIOGRID + f"1\t{A}\t{B}\tTwo-hybrid\tphysical\t9606\t9606\n2\t{A}\t{C}\tx\tgenetic\t9606\t9606\n"
    report = ingest.interactions(store, write("biogrid.tab3.txt", text))
    assert pairs(store) == {(A, B): "BioGRID: Two-hybrid"}
    assert "1 rows left out: genetic interactions, not of proteins" in report.bundle.notes


def test_strings_links_need_names_and_keep_to_the_threshold(store: GraphStore, write: Write) -> None:
    links = write(
        "9606.protein.links.v12.0.txt",
        "protein1 protein2 combined_score\n9606.P1 9606.P2 912\n9606.P2 9606.P1 912\n"
        "9606.P2 9606.P3 400\n9606.P1 9606.P9 999\n",
    )
    with pytest.raises(InputError, match=r'protein.info.v12.0.txt.gz, with names="FILE"'):
        ingest.interactions(store, links)
    names = write("info.txt", INFO + f"9606.P1\t{A}\t1\tx\n9606.P2\t{B}\t1\tx\n9606.P3\t{C}\t1\tx\n")
    report = ingest.interactions(store, links, names=names)
    assert pairs(store) == {(A, B): "STRING 912"}
    assert "1 rows left out: a combined score below the threshold" in report.bundle.notes
    assert "1 rows left out: proteins without a symbol in the file of names" in report.bundle.notes
    ingest.interactions(store, links, names=names, min_score=400)
    assert set(pairs(store)) == {(A, B), (B, C)}
    with pytest.raises(InputError, match="has no human protein"):
        ingest.interactions(store, links, names=write("mouse.txt", INFO + f"10090.P1\t{A}\t1\tx\n"))
    with pytest.raises(InputError, match="row 1, does not begin with #string_protein_id"):
        ingest.interactions(store, links, names=links)


def test_bad_rows_and_tables_of_other_columns_are_refused(store: GraphStore, write: Write) -> None:
    before = store.counts()
    for text, kind, message in (
        (
            f"{A}\tpp\t{B}\n{A}\tpp\t{C}\n{A}\tpp\n",
            RowError,
            r"row 3: .* is not a gene, a relation and genes",
        ),
        ("#node1\tnode2\tcombined_score\nA\tB\t12\n", RowError, 'column combined_score: "12" is not a score'),
        (f"{A}\t{B}\t0.9\n{B}\t{C}\t0.8\n", InputError, "source_symbol and target_symbol"),
        ("first,second\nA,B\n", InputError, "source_symbol and target_symbol"),
    ):
        with pytest.raises(kind, match=message):
            ingest.interactions(store, write("bad.txt", text))
    assert store.counts() == before


GPML = (
    '<?xml version="1.0"?><Pathway xmlns="http://pathvisio.org/GPML/2013a" Name="Signals" Organism="Homo sapiens">'
    '<DataNode TextLabel="{a}" Type="GeneProduct"><Xref Database="Entrez Gene" ID="1"/></DataNode>'
    '<DataNode TextLabel="first&#10;gene (family)" Type="Protein"><Xref Database="HGNC" ID="{b}"/></DataNode>'
    '<DataNode TextLabel="ATP" Type="Metabolite"/><DataNode TextLabel="no gene at all" Type="GeneProduct"/></Pathway>'
)


def test_drawings_of_pathways_are_sets_of_genes(store: GraphStore, write: Write, tmp_path: Path) -> None:
    write("WP254_1.gpml", GPML.format(a=A, b=B))
    write("WP9_2.gpml", GPML.format(a=C, b=B).replace("Signals", "Others"))
    ingest.pathways(store, tmp_path / "WP254_1.gpml", name="one")
    members = store.read_edges(
        "MEMBER_OF", ("Gene", "Pathway"), ["src", "dst"], equals={"dataset": "one"}
    ).to_pylist()
    assert {(m["src"], m["dst"]) for m in members} == {(A, "WP254"), (B, "WP254")}
    ingest.pathways(store, tmp_path, name="all")
    rows = {r["id"]: r["name"] for r in store.node_rows("Pathway", ["id", "name"])}
    assert (rows["WP254"], rows["WP9"]) == ("Signals", "Others")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + GPML, "declares entities"),
        (GPML[:-10], "is not GPML"),
        (
            GPML.replace("Homo sapiens", "Mus musculus"),
            "is a pathway of Mus musculus; give one of Homo sapiens",
        ),
    ],
    ids=["entities", "cut", "mouse"],
)
def test_bad_drawings_are_refused(store: GraphStore, write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ingest.pathways(store, write("WP1.gpml", text))
