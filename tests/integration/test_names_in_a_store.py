"""One resolver: what a file or a user calls a drug, a gene or a cell line means the same node everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.cypher.catalogue import node_id
from pharmagraph.ingest.known import known
from pharmagraph.ingest.load import load
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import interactions, omics, pathways, tables, targets
from pharmagraph.kg.errors import AmbiguousNameError, InputError, NotFoundError, RowError
from pharmagraph.kg.fingerprints import inchikey
from pharmagraph.kg.heterograph import export
from pharmagraph.kg.names import find_node, index
from pharmagraph.kg.store import GraphStore, open_store

ERLOTINIB = "COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC"
JQ1 = "Cc1sc2c(c1C)C(c1ccc(Cl)cc1)=N[C@@H](CC(=O)OC(C)(C)C)c1nnc(C)n12"
DRUGS = {  # name in drugs.csv → structure, PubChem id
    "Erlotinib": (ERLOTINIB, "176870"),
    "100": ("COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1", ""),
    "1000": ("O=C(CCCCCCC(=O)Nc1ccccc1)NO", ""),
    "(+)-JQ1": (JQ1, ""),
    "(-)-JQ1": (JQ1.replace("@@", "@"), ""),
    "17-AAG": ("CCC(=C(c1ccccc1)c1ccc(OCCN(C)C)cc1)c1ccccc1", ""),
}
LINES = {  # name in cells.csv → tissue
    "A375": "skin", "697": "blood", "6970": "blood", "TT": "thyroid", "T-T": "oesophagus", "MDA-MB-231": "breast gland",
}  # fmt: skip
SPELT = {"100": "100.0", "1000": "1000.0", "697": "697.0", "6970": "6970.0"}
"""Names that responses.csv writes otherwise: its numbers went through a spreadsheet."""
RESPONSES = {(d, c): n / 8 for n, (d, c) in enumerate((d, c) for d in DRUGS for c in LINES)}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("screen")
    rows = [f"{SPELT.get(d, d)},{SPELT.get(c, c)},{value}" for (d, c), value in RESPONSES.items()]
    (folder / "responses.csv").write_text("\n".join(["drug,cell_line,ln_ic50", *rows]))
    rows = [f"{d},{smiles},{cid}" for d, (smiles, cid) in DRUGS.items()]
    (folder / "drugs.csv").write_text("\n".join(["drug,smiles,pubchem_cid", *rows]))
    rows = [
        f"{c},{tissue},{905901 + n},ACH-{n:06d},CVCL_{n:04d}" for n, (c, tissue) in enumerate(LINES.items())
    ]
    (folder / "cells.csv").write_text(
        "\n".join(["cell_line,tissue,cosmic_id,depmap_id,cellosaurus_id", *rows])
    )
    url = f"ladybug://{folder}/graph.lbug"
    with open_store(url) as store:
        load(store, tables.read(folder, Rejections()))
        genes = {
            "id": ["EGFR", "KMT2B", "KMT2D", "MET"],
            "hgnc_id": ["HGNC:3236", None, None, None],
            "entrez_id": pa.array([1956, 9757, 8085, 4233], pa.int64()),
            "ensembl_id": ["ENSG00000146648", None, None, None],
            "aliases": [["ERBB1", "HER1"], ["MLL2", "MLL4"], ["MLL2", "ALR"], ["HGFR"]],
        }
        store.upsert_nodes("Gene", pa.table(genes))
        lines = {
            "id": ["A375", "TTOESOPHAGUS"],
            "passport_id": ["SIDM00795", "SIDM00342"],
            "ccle_name": ["A375_SKIN", "TT_OESOPHAGUS"],
            "aliases": [["A-375", "A375-MET"], None],
        }
        store.upsert_nodes("CellLine", pa.table(lines))
    return url


@pytest.fixture(scope="module")
def store(url: str) -> Iterator[GraphStore]:
    with open_store(url) as opened:
        yield opened


DRUG_NAMES = [
    ("Erlotinib", "ERLOTINIB"),
    ("erlotinib", "ERLOTINIB"),
    (inchikey(ERLOTINIB), "ERLOTINIB"),
    ("176870", "ERLOTINIB"),
    ("100.0", "100"),
    ("100", "100"),
    ("1000.0", "1000"),
    ("(+)-JQ1", "(+)JQ1"),
    ("(-)-jq1", "(-)JQ1"),
    ("\u2212JQ1", "(-)JQ1"),
    ("Tanespimycin", "TANESPIMYCIN"),
    ("17-aag", "TANESPIMYCIN"),
]
LINE_NAMES = [
    ("TT", "TT"),
    ("T-T", "TTOESOPHAGUS"),
    ("697.0", "697"),
    ("6970", "6970"),
    ("mda_mb_231", "MDAMB231"),
    ("905901", "A375"),
    ("ACH-000000", "A375"),
    ("ach000000", "A375"),
    ("CVCL_0000", "A375"),
    ("SIDM00795", "A375"),
    ("A375_SKIN", "A375"),
    ("a-375", "A375"),
    ("SIDM00342", "TTOESOPHAGUS"),
]
GENE_NAMES = [
    ("EGFR", "EGFR"),
    ("egfr", "EGFR"),
    ("HGNC:3236", "EGFR"),
    ("1956", "EGFR"),
    ("ENSG00000146648", "EGFR"),
    ("ENSG00000146648.21", "EGFR"),
    ("ERBB1", "EGFR"),
    ("her1", "EGFR"),
    ("EGFR (1956)", "EGFR"),
    ("MLL4", "KMT2B"),
    ("ALR", "KMT2D"),
]
ALL = [
    *(("Drug", *row) for row in DRUG_NAMES),
    *(("CellLine", *row) for row in LINE_NAMES),
    *(("Gene", *row) for row in GENE_NAMES),
]
KIND = {"Drug": "drug", "CellLine": "cell_line", "Gene": "gene"}


def by_parameter(store: GraphStore, label: str, name: str) -> str:
    return node_id(store, KIND[label], name)


def by_node(store: GraphStore, label: str, name: str) -> str:
    return str(find_node(store, label, name)["id"])


def by_file(store: GraphStore, label: str, name: str) -> str:
    graph = known(store, needs="Drug")
    found = {"Drug": graph.drugs, "CellLine": graph.cell_lines, "Gene": graph.gene_names}[label].find(name)
    if found is None:
        raise NotFoundError(label, name)
    return found


def by_export(store: GraphStore, label: str, name: str) -> str:
    graph = export(store, around=f"{label}:{name}", hops=0)
    (found,) = (str(id_) for ids in graph.ids.values() for id_ in ids)
    return found


LOOK_UPS = [by_parameter, by_node, by_file, by_export]
LookUp = Callable[[GraphStore, str, str], str]


@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_a_name_means_the_same_node_everywhere(store: GraphStore, look_up: LookUp) -> None:
    assert [look_up(store, label, name) for label, name, _ in ALL] == [id_ for *_, id_ in ALL]


@pytest.mark.parametrize("look_up", LOOK_UPS)
@pytest.mark.parametrize(
    ("label", "name"),
    [("Drug", "JQ1"), ("Drug", "10000"), ("CellLine", "69.70"), ("Gene", "ERBB"), ("Drug", "(\u00b1)-JQ1")],
)
def test_what_no_node_is_called_is_not_found(
    store: GraphStore, look_up: LookUp, label: str, name: str
) -> None:
    with pytest.raises(NotFoundError):
        look_up(store, label, name)


@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_an_alias_of_two_genes_is_refused_with_both(store: GraphStore, look_up: LookUp) -> None:
    with pytest.raises(AmbiguousNameError, match="may be any of KMT2B, KMT2D"):
        look_up(store, "Gene", "MLL2")


@pytest.mark.parametrize("written", ["tt", "t_t", "T T", "t-t"])
@pytest.mark.parametrize("look_up", [by_parameter, by_node, by_export])
def test_a_folded_name_of_two_lines_is_refused_with_both(
    store: GraphStore, look_up: LookUp, written: str
) -> None:
    with pytest.raises(AmbiguousNameError, match=r"may be any of TT, TTOESOPHAGUS \(T-T\)"):
        look_up(store, "CellLine", written)


def test_every_response_stands_on_the_drug_and_line_that_the_file_names(store: GraphStore) -> None:
    held = store.read_edges("TESTED_ON", ("Drug", "CellLine"), ["src", "dst", "ln_ic50"]).to_pylist()
    names = {
        label: dict(zip(*store.read_nodes(label, ["id", "name"]).to_pydict().values(), strict=True))
        for label in ("Drug", "CellLine")
    }
    assert {(names["Drug"][r["src"]], names["CellLine"][r["dst"]]): r["ln_ic50"] for r in held} == RESPONSES
    assert {r["id"]: r["smiles"] for r in store.read_nodes("Drug", ["id", "smiles"]).to_pylist()} == {
        id_: DRUGS[name][0] for id_, name in names["Drug"].items()
    }


def test_an_export_keeps_the_drugs_and_tissues_that_are_named_in_any_spelling(store: GraphStore) -> None:
    graph = export(store, drugs=["100.0", "(-)-JQ1", "176870"], tissues=["SKIN", "breast_gland"])
    assert sorted(graph.ids["Drug"]) == ["(-)JQ1", "100", "ERLOTINIB"]
    assert sorted(graph.ids["CellLine"]) == ["A375", "MDAMB231"]
    with pytest.raises(NotFoundError, match='no tissue "tooth"'):
        export(store, tissues=["tooth"])


def test_a_name_of_a_gene_and_of_a_line_is_asked_back(store: GraphStore) -> None:
    store.upsert_nodes("CellLine", pa.table({"id": ["MET"], "name": ["MET"]}))
    try:
        with pytest.raises(AmbiguousNameError, match="may be any of CellLine:MET, Gene:MET"):
            export(store, around="MET")
        assert list(export(store, around="Gene:MET", hops=0).ids["Gene"]) == ["MET"]
        assert list(export(store, around="CellLine:MET", hops=0).ids["CellLine"]) == ["MET"]
        assert list(export(store, around="HGFR", hops=0).ids["Gene"]) == ["MET"]
    finally:
        store.delete_nodes("CellLine", ["MET"])


@pytest.mark.parametrize(("written", "id_"), LINE_NAMES)
def test_omics_are_read_by_any_name_of_a_line(
    store: GraphStore, tmp_path: Path, written: str, id_: str
) -> None:
    path = tmp_path / "mutations.csv"
    path.write_text(f"cell_line,gene,value\n{written},ERBB1,1\n")
    bundle = omics.read(path, "mutated", known(store, needs="CellLine"), Rejections())
    (edges,) = bundle.edges.values()
    assert edges.select(["src", "dst"]).to_pylist() == [{"src": id_, "dst": "EGFR"}]


def test_a_table_of_omics_is_read_either_way_round(store: GraphStore, tmp_path: Path) -> None:
    graph, ends = known(store, needs="CellLine"), ("CellLine", "Gene")
    path = tmp_path / "expression.csv"
    path.write_text("line,EGFR (1956),MET (4233)\nA375_SKIN,1,2\nTT_OESOPHAGUS,3,4\n")
    turned = omics.read(path, "expression", graph, Rejections()).edges["EXPRESSES", ends]
    path.write_text("gene,A375_SKIN,TT_OESOPHAGUS\nEGFR (1956),1,3\nMET (4233),2,4\n")
    straight = omics.read(path, "expression", graph, Rejections()).edges["EXPRESSES", ends]
    assert turned.num_rows
    assert turned.equals(straight)


@pytest.mark.parametrize(("written", "id_"), DRUG_NAMES)
def test_targets_are_read_by_any_name_of_a_drug(
    store: GraphStore, tmp_path: Path, written: str, id_: str
) -> None:
    path = tmp_path / "targets.csv"
    path.write_text(f"drug,gene\n{written},HGNC:3236\n")
    bundle = targets.read(path, known(store, needs="Drug"), Rejections())
    (edges,) = bundle.edges.values()
    assert edges.select(["src", "dst"]).to_pylist() == [{"src": id_, "dst": "EGFR"}]


def test_two_names_of_one_gene_in_one_table_are_a_bad_row(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "mutations.csv"
    path.write_text("cell_line,gene,value\nA375,EGFR,1\nA375,ERBB1,0.5\n")
    with pytest.raises(RowError, match=r'row 3, column gene: "ERBB1" is EGFR, as row 2 is'):
        omics.read(path, "mutated", known(store, needs="CellLine"), Rejections())
    bundle = omics.read(path, "mutated", known(store, needs="CellLine"), Rejections(keep_going=True))
    (edges,) = bundle.edges.values()
    assert edges.select(["dst", "value"]).to_pylist() == [{"dst": "EGFR", "value": 1.0}]


def test_two_names_of_one_line_in_one_table_are_refused(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "mutations.csv"
    path.write_text("cell_line,gene,value\nA375,EGFR,1\nSIDM00795,EGFR,1\n")
    with pytest.raises(InputError, match="A375 and SIDM00795 are the same cell line"):
        omics.read(path, "mutated", known(store, needs="CellLine"), Rejections())


def test_an_ambiguous_gene_is_a_bad_row_with_the_candidates(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    path.write_text("drug,gene\nErlotinib,MLL2\nErlotinib,MLL4\n")
    with pytest.raises(RowError, match=r"row 2, column gene.*may be any of KMT2B, KMT2D"):
        targets.read(path, known(store, needs="Drug"), Rejections())
    bundle = targets.read(path, known(store, needs="Drug"), Rejections(keep_going=True))
    (edges,) = bundle.edges.values()
    assert edges["dst"].to_pylist() == ["KMT2B"]


def test_pathways_and_interactions_take_any_name_and_say_what_is_ambiguous(
    store: GraphStore, tmp_path: Path
) -> None:
    graph = known(store, needs="Gene")
    (tmp_path / "sets.gmt").write_text("P1\tsource\tERBB1\tEGFR\t9757\tMLL2\n")
    bundle = pathways.read(tmp_path / "sets.gmt", graph, Rejections())
    (edges,) = bundle.edges.values()
    assert sorted(edges["src"].to_pylist()) == ["EGFR", "KMT2B"]
    assert "MLL2 for KMT2B or KMT2D" in bundle.notes[0]
    (tmp_path / "pairs.csv").write_text("gene_a,gene_b\nHER1,MLL4\nEGFR,ERBB1\nMLL2,EGFR\n")
    bundle = interactions.read(tmp_path / "pairs.csv", graph, Rejections())
    (edges,) = bundle.edges.values()
    assert edges.select(["src", "dst"]).to_pylist() == [{"src": "EGFR", "dst": "KMT2B"}]
    assert "leaves out 1 rows" in bundle.notes[0] and "MLL2 for KMT2B or KMT2D" in bundle.notes[0]


def test_the_index_of_a_store_finds_each_node_by_each_of_its_spellings(store: GraphStore) -> None:
    for label in ("Drug", "CellLine"):
        names = index(store, label)
        for id_, spellings in names.names.items():
            assert all(names.find(spelling) == id_ for spelling in (id_, *spellings) if spelling)
