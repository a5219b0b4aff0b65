"""Drugs, cell lines and genes are found by other names than their own, or named where they cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.identities import cell_lines, gene_dates, genes
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import DownloadError, InputError, RowError
from pharmagraph.kg.names import index_of
from pharmagraph.kg.parents import parent

LINES = ["A375", "A549", "MCF7", "HT-29"]
SYMBOLS = ["EGFR", "TP53", "KRAS", "BRAF", "MYC"]
LEVELS = np.random.default_rng(1).normal(5, 2, (len(LINES), len(SYMBOLS))).round(3)


def expression(names: list[str], lines: list[str] = LINES) -> str:
    rows = [
        f'{line},"{name}",{LEVELS[i, j % 5] + j // 5}'
        for i, line in enumerate(lines)
        for j, name in enumerate(names)
    ]
    return "\n".join(["cell_line,gene,value", *rows]) + "\n"


def responses(drugs: list[str], lines: list[str] = LINES) -> str:
    rows = [
        f'"{drug}",{line},{i - j / 3:.3f}' for i, drug in enumerate(drugs) for j, line in enumerate(lines)
    ]
    return "\n".join(["drug,cell_line,ln_ic50", *rows]) + "\n"


def read(
    folder: Path, *, human: bool = False, reject: bool = False, **files: str
) -> tuple[Bundle, Rejections]:
    for name, text in ({"responses": responses(["Erlotinib", "Imatinib"])} | files).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    rejections = Rejections(keep_going=reject)
    return tables.read(folder, rejections, without_smiles=True, human=human, share=1.0), rejections


def gene_ids(bundle: Bundle) -> list[str]:
    return bundle.nodes["Gene"]["id"].to_pylist()  # type: ignore[no-any-return]


def notes(bundle: Bundle) -> str:
    return "\n".join(bundle.notes)


# --- genes ------------------------------------------------------------------------------------------------

PUT_RIGHT = {
    "2-Sep": "SEPTIN2", "Sep-02": "SEPTIN2", "2-Sep-2021": "SEPTIN2", "02-sept": "SEPTIN2", "2023-09-02": "SEPTIN2",
    "2023-09-02 00:00:00": "SEPTIN2", "9/2/2023": "SEPTIN2", "02.09.2023": "SEPTIN2", "44806": "SEPTIN2",
    "15-Sep": "SELENOF", "1-Dec": "DELEC1", "5-Mar": "MARCHF5", "11-Mar": "MARCHF11", "14-Sep": "SEPTIN14",
}  # fmt: skip


@pytest.mark.parametrize("date", PUT_RIGHT)
def test_a_date_that_was_one_gene_only_is_put_right(tmp_path: Path, date: str) -> None:
    bundle, _ = read(tmp_path, expression=expression([*SYMBOLS[:4], date]))
    assert sorted(gene_ids(bundle)) == sorted([*SYMBOLS[:4], PUT_RIGHT[date]])
    assert f"made dates, and are put right: 1 ({date} is {PUT_RIGHT[date]})" in notes(bundle)


@pytest.mark.parametrize(
    "date", ["1-Mar", "2-Mar", "Mar-01", "44621", "2023-03-01", "3/9/2023", "12-Mar", "4-Oct"]
)
def test_a_date_that_may_be_two_genes_or_none_is_refused(tmp_path: Path, date: str) -> None:
    with pytest.raises(RowError, match="date"):
        read(tmp_path, expression=expression([*SYMBOLS[:4], date]))
    assert len(gene_dates.symbols(date)) != 1


def test_a_date_and_the_gene_that_it_was_are_one_gene_twice(tmp_path: Path) -> None:
    with pytest.raises(RowError, match='"2-Sep" is SEPTIN2, as row 5 is; keep one'):
        read(tmp_path, expression=expression([*SYMBOLS[:3], "SEPTIN2", "2-Sep"]))


def test_a_symbol_beside_an_id_is_the_symbol(tmp_path: Path) -> None:
    names = ["EGFR (1956)", "TP53|7157", "KRAS (ENSG00000133703)", "BRAF (ENSG00000157764.3)", "MYC"]
    bundle, _ = read(tmp_path, expression=expression(names))
    assert sorted(gene_ids(bundle)) == sorted(SYMBOLS) and "beside an id" in notes(bundle)


IDS = {
    "ENSG00000146648": "EGFR", "ENSG00000141510": "TP53", "ENSG00000133703": "KRAS", "ENSG00000157764": "BRAF",
    "ENSG00000136997": "MYC", "1956": "EGFR", "7157": "TP53", "3845": "KRAS", "673": "BRAF", "4609": "MYC",
    "43891": "MYC", "ENSG00000000001": "EGFR",
}  # fmt: skip
KINDS = {
    "Ensembl": list(IDS)[:5],
    "Ensembl with version": [f"{i}.{n + 3}" for n, i in enumerate(list(IDS)[:5])],
    "Ensembl in small letters": [i.lower() for i in list(IDS)[:5]],
    "Entrez": list(IDS)[5:10],
    "Entrez, one like a date": [*list(IDS)[5:9], "43891"],
}


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    monkeypatch.setattr(genes, "symbols_by_id", lambda: IDS)
    return IDS


@pytest.mark.usefixtures("looked_up")
@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_ids_gets_symbols(tmp_path: Path, kind: str) -> None:
    bundle, _ = read(tmp_path, expression=expression(KINDS[kind]))
    assert sorted(gene_ids(bundle)) == sorted(SYMBOLS)
    assert f"genes given as {kind.split()[0].rstrip(',')} id, whose symbol was looked up: 5" in notes(bundle)


@pytest.mark.usefixtures("looked_up")
def test_ids_without_a_symbol_and_second_ids_are_counted(tmp_path: Path) -> None:
    names = [*KINDS["Ensembl"][:3], "ENSG00000000001", "ENSG00000999999"]
    bundle, rejections = read(tmp_path, expression=expression(names))
    assert gene_ids(bundle) == ["EGFR", "KRAS", "TP53"]
    assert "Ensembl ids that have no symbol, and are left out: 1 (ENSG00000999999)" in notes(bundle)
    assert {r.value: r.reason for r in rejections.rejected} == {
        "ENSG00000000001": "another row is this gene, too", "ENSG00000999999": "id without a symbol",
    }  # fmt: skip


def test_without_the_package_a_table_of_ids_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> Mapping[str, str]:
        raise DownloadError("oncoref could not be fetched (no network)")

    monkeypatch.setattr(genes, "symbols_by_id", fails)
    with pytest.raises(
        InputError, match=r"gives genes as Ensembl id, and .*no network.* or give HGNC symbols"
    ):
        read(tmp_path, expression=expression(KINDS["Ensembl"]))


MOUSE = ["Egfr", "Trp53", "Kras", "Braf", "Myc"]


@pytest.mark.parametrize("n", [3, 4, 5])
def test_a_table_of_mouse_genes_is_refused_with_the_share(tmp_path: Path, n: int) -> None:
    names = MOUSE[:n] + SYMBOLS[n:]
    with pytest.raises(
        InputError, match=rf"{n} of 5 genes \({n / 5:.0%}\) are written as those of mouse \(Trp53, "
    ):
        read(tmp_path, expression=expression(names))


def test_genes_in_small_letters_are_human_if_the_user_says_so(tmp_path: Path) -> None:
    bundle, _ = read(tmp_path, expression=expression(["Egfr", "Kras", "Braf", "Myc", "C1orf112"]), human=True)
    assert sorted(gene_ids(bundle)) == sorted(["EGFR", "KRAS", "BRAF", "MYC", "C1orf112"])
    assert "taken for human ones: 4" in notes(bundle)


@pytest.mark.parametrize("n", [1, 2])
def test_a_few_mouse_genes_are_left_out_with_their_share(tmp_path: Path, n: int) -> None:
    bundle, _ = read(tmp_path, expression=expression(MOUSE[:n] + SYMBOLS[n:]))
    assert sorted(gene_ids(bundle)) == sorted(SYMBOLS[n:])
    assert f"left out ({n / 5:.0%} of the genes): {n} (Egfr" in notes(bundle)


# --- cell lines -------------------------------------------------------------------------------------------

CELLS = """\
cell_line,depmap_id,cosmic_id,cellosaurus_id
A375,ACH-000219,906793,CVCL_0132
A549,ACH-000681,905949,CVCL_0023
MCF7,ACH-000019,905946,CVCL_0031
HT-29,ACH-000552,905939,CVCL_0320
"""
BY = {
    "DepMap id": ["ACH-000219", "ACH-000681", "ACH-000019", "ACH-000552"],
    "COSMIC id": ["906793", "905949", "905946", "905939"],
    "Cellosaurus": ["CVCL_0132", "CVCL_0023", "CVCL_0031", "CVCL_0320"],
    "CCLE name": ["A375_SKIN", "A549_LUNG", "MCF7_BREAST", "HT29_LARGE_INTESTINE"],
    "spellings": ["a-375", "A 549", "MCF-7", "HT29"],
    "mixed": ["ACH-000219", "905949", "MCF-7", "CVCL_0320"],
}


@pytest.mark.parametrize("way", BY)
@pytest.mark.parametrize("table", ["responses", "expression", "both"])
def test_a_cell_line_is_found_by_any_id_that_another_table_has(tmp_path: Path, way: str, table: str) -> None:
    plain, _ = read(tmp_path, cells=CELLS, expression=expression(SYMBOLS))
    files = {
        "responses": responses(["Erlotinib", "Imatinib"], BY[way] if table != "expression" else LINES),
        "expression": expression(SYMBOLS, BY[way] if table != "responses" else LINES),
    }
    bundle, _ = read(tmp_path, cells=CELLS, **files)
    assert bundle.nodes["CellLine"]["id"] == plain.nodes["CellLine"]["id"]
    for key in (("TESTED_ON", ("Drug", "CellLine")), ("EXPRESSES", ("CellLine", "Gene"))):
        one, other = (
            sorted(b.edges[key].to_pylist(), key=lambda row: (row["src"], row["dst"]))
            for b in (bundle, plain)
        )
        assert one == other


def test_a_pair_under_a_name_and_an_id_is_a_bad_row(tmp_path: Path) -> None:
    text = responses(["Erlotinib"], ["A375", "A549", "ACH-000219"])
    with pytest.raises(RowError, match=r"row 4: .*is already in row 2 under another id"):
        read(tmp_path, cells=CELLS, responses=text)


@pytest.mark.parametrize(
    ("name", "is_"),
    [
        ("MDA-MB-435", "M14"), ("MDAMB435S_SKIN", "M14"), ("NCI/ADR-RES", "OVCAR-8"), ("NCI-ADR-RES", "OVCAR-8"),
        ("SNB-19", "U-251 MG"), ("KPL-1", "MCF-7"), ("MKN28", "MKN-74"), ("ECV304", "T24"), ("BGC-823", "HeLa"),
        ("hep2", "HeLa"),
    ],
)  # fmt: skip
def test_a_known_misidentified_line_is_warned_of(tmp_path: Path, name: str, is_: str) -> None:
    bundle, _ = read(tmp_path, responses=responses(["Erlotinib"], [name, "A549"]))
    assert "known to be misidentified, and are loaded all the same: 1 (" in notes(bundle) and is_ in notes(
        bundle
    )
    problems = {r["name"]: r["problem"] for r in bundle.nodes["CellLine"].to_pylist()}
    assert problems[name].startswith(f"misidentified: {is_}") and problems["A549"] is None


@pytest.mark.parametrize("name", ["A375", "M14", "OVCAR-8", "U-251 MG", "MCF7", "HeLa", "T24", "HL-60"])
def test_the_lines_that_they_are_have_no_problem(name: str) -> None:
    assert cell_lines.problem(name) is None


# --- drugs ------------------------------------------------------------------------------------------------

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
ERLOTINIB = "COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC"


SALTS = {
    "mesylate": f"{IMATINIB}.CS(=O)(=O)O", "hydrochloride": f"{IMATINIB}.Cl", "hydrate": f"{IMATINIB}.O.O",
    "tosylate": f"Cc1ccc(cc1)S(O)(=O)=O.{IMATINIB}", "maleate": f"{IMATINIB}.OC(=O)/C=C\\C(=O)O",
    "pamoate": f"{IMATINIB}.OC(=O)c1cc2ccccc2c(Cc2c(O)c(C(O)=O)cc3ccccc23)c1O",
    "citrate, ionic": f"{IMATINIB.replace('N(C)CC3', '[NH+](C)CC3')}.OC(=O)CC(O)(CC([O-])=O)C(O)=O",
    "solvate": f"{IMATINIB}.CCO", "two for one acid": f"{IMATINIB}.{IMATINIB}.OC(=O)C(O)C(O)C(O)=O",
    "written otherwise": "CN1CCN(CC1)Cc1ccc(cc1)C(=O)Nc1ccc(C)c(c1)Nc1nccc(n1)-c1cccnc1",
}  # fmt: skip


@pytest.mark.parametrize("salt", SALTS)
def test_a_salt_is_the_drug_that_it_is_a_salt_of(tmp_path: Path, salt: str) -> None:
    names = ["Imatinib", "Erlotinib", "STI-571X"]
    drugs = f'drug,smiles\nImatinib,{IMATINIB}\nErlotinib,{ERLOTINIB}\nSTI-571X,"{SALTS[salt]}"\n'
    more = responses(["Imatinib", "Erlotinib"]) + '"STI-571X",K-562,2.5\n"STI-571X",A375,9\n'
    bundle, rejections = read(tmp_path, responses=more, drugs=drugs)
    nodes = {r["id"]: r for r in bundle.nodes["Drug"].to_pylist()}
    assert sorted(nodes) == ["ERLOTINIB", "IMATINIB"] and "STI-571X" in nodes["IMATINIB"]["aliases"]
    assert nodes["IMATINIB"]["smiles"] == IMATINIB
    values = {
        (r["src"], r["dst"]): r["ln_ic50"]
        for r in bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    }
    assert values["IMATINIB", "K562"] == 2.5 and values["IMATINIB", "A375"] == 0 and len(values) == 9
    assert [(r.rows, r.reason) for r in rejections.rejected] == [
        (1, "pair that was measured under another name of the drug, too")
    ]
    assert f"one drug: 1 ({names[2]} is Imatinib)" in notes(bundle)
    assert ("salts or solvates" in notes(bundle)) == (salt != "written otherwise")


OTHERS = {
    "mirror images": ("C[C@H](N)C(=O)Nc1ccccc1", "C[C@@H](N)C(=O)Nc1ccccc1"),
    "a racemate": ("C[C@H](N)C(=O)Nc1ccccc1", "CC(N)C(=O)Nc1ccccc1"),
    "cis and trans": ("OC(=O)/C=C/c1ccccc1", "OC(=O)/C=C\\c1ccccc1"),
    "platinum": ("N.N.Cl[Pt]Cl", "N.N.[Pt]"),
    "an ester": (IMATINIB, ERLOTINIB),
    "arsenic": ("O=[As]O[As]=O", "[As]"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_structures_are_other_drugs(tmp_path: Path, kind: str) -> None:
    one, two = OTHERS[kind]
    bundle, _ = read(
        tmp_path, responses=responses(["Alpha", "Beta"]), drugs=f'drug,smiles\nAlpha,"{one}"\nBeta,"{two}"\n'
    )
    assert {r["id"]: r["smiles"] for r in bundle.nodes["Drug"].to_pylist()} == {"ALPHA": one, "BETA": two}


def test_the_stored_structure_is_the_one_that_was_given_and_the_parent_finds_it(tmp_path: Path) -> None:
    drugs = f'drug,smiles,pubchem_cid\nErlotinib,{ERLOTINIB},176870\nImatinib,"{SALTS["mesylate"]}",123596\n'
    bundle, _ = read(tmp_path, drugs=drugs)
    node = {r["id"]: r for r in bundle.nodes["Drug"].to_pylist()}
    assert node["IMATINIB"]["smiles"] == SALTS["mesylate"] and node["ERLOTINIB"]["parent_inchikey"] is None
    assert node["IMATINIB"]["inchikey"] == "YLMAHDNUQAMNNX-UHFFFAOYSA-N"
    assert node["IMATINIB"]["parent_inchikey"] == "KTUFNOKKBVMGRW-UHFFFAOYSA-N"
    names = index_of("Drug", bundle.nodes["Drug"])
    for text in (
        "imatinib", "YLMAHDNUQAMNNX-UHFFFAOYSA-N", "YLMAHDNUQAMNNX", "KTUFNOKKBVMGRW-UHFFFAOYSA-N", "KTUFNOKKBVMGRW",
        "123596", "CID123596", "CID 123596", "PubChem CID: 123596", "STI571",
    ):  # fmt: skip
        assert names.find(text) == "IMATINIB", text
    assert names.find("AAAAAAAAAAAAAA") is None and names.find("CID 5") is None


def test_a_salt_beside_its_parent_is_found_by_its_own_key() -> None:
    import pyarrow as pa

    own, of = "YLMAHDNUQAMNNX-UHFFFAOYSA-N", "KTUFNOKKBVMGRW-UHFFFAOYSA-N"
    table = pa.table(
        {"id": ["A", "B"], "name": ["A", "B"], "inchikey": [of, own], "parent_inchikey": [None, of]}
    )
    names = index_of("Drug", table)
    assert (names.find(own), names.find(of), names.find(of[:14])) == ("B", "A", "A")


CODES = [
    "176870", "CID 176870", "cid:176870", "BRD-K70401845", "BRD-K70401845-003-09-6", "AAKJLRGGTJKAMG-UHFFFAOYSA-N",
    "AAKJLRGGTJKAMG", "Tarceva",
]  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_a_drug_is_found_by_a_code_that_the_table_of_drugs_has(tmp_path: Path, code: str) -> None:
    own = f"Erlotinib,{ERLOTINIB},176870,BRD-K70401845-003-09-6"
    drugs = f'drug,smiles,pubchem_cid,broad_id\n{own}\nImatinib,"{SALTS["mesylate"]}",,\n'
    text = responses(["Imatinib", code]) + "Erlotinib,K-562,1\nKTUFNOKKBVMGRW,K-562,2\n"
    bundle, _ = read(tmp_path, responses=text, drugs=drugs)
    nodes = {r["id"]: r for r in bundle.nodes["Drug"].to_pylist()}
    assert sorted(nodes) == ["ERLOTINIB", "IMATINIB"] and nodes["ERLOTINIB"]["name"] == "Erlotinib"
    assert "BRD-K70401845" in nodes["ERLOTINIB"]["aliases"]
    assert bundle.edges["TESTED_ON", ("Drug", "CellLine")].num_rows == 10
    assert "KTUFNOKKBVMGRW is Imatinib" in notes(bundle)
    with pytest.raises(RowError, match=r"is already in row \d+ under a"):
        read(tmp_path, responses=text + f"{code},K-562,3\n", drugs=drugs)
    names = index_of("Drug", bundle.nodes["Drug"])
    assert names.find("BRD-K70401845-003-09-6") == names.find("brd-k70401845") == "ERLOTINIB"


COMBINED = {
    "Erlotinib + Imatinib": True, "Erlotinib + something": True, "erlotinib:imatinib": True,
    "Erlotinib:Imatinib (1:1 mol/mol)": True, "Erlotinib / Imatinib": True, "Erlotinib plus Imatinib": True,
    "Erlotinib & Sorafenib": True, "Erlotinib+Gefitinib": True,
    "Thing: number 3": False, "Compound+7": False, "(+)-JQ1": False, "Akti-1/2": False, "A + B": False,
    "Bleomycin (50 uM)": False, "PD-0325901:x": False,
}  # fmt: skip


@pytest.mark.parametrize("name", COMBINED)
def test_combinations_are_left_out_by_name(tmp_path: Path, name: str) -> None:
    bundle, rejections = read(tmp_path, responses=responses(["Erlotinib", "Imatinib", name]))
    assert bundle.nodes["Drug"].num_rows == (2 if COMBINED[name] else 3)
    gone = [(r.value, r.reason, r.rows) for r in rejections.rejected]
    assert gone == ([(name, "combination of drugs", 4)] if COMBINED[name] else [])
    assert (f"are combinations, and are left out: 1 ({name})" in notes(bundle)) == COMBINED[name]


def test_a_mixture_is_left_out(tmp_path: Path) -> None:
    drugs = f'drug,smiles\nErlotinib,{ERLOTINIB}\nImatinib,{IMATINIB}\nBoth,"{ERLOTINIB}.{IMATINIB}"\n'
    bundle, rejections = read(tmp_path, responses=responses(["Erlotinib", "Imatinib", "Both"]), drugs=drugs)
    assert bundle.nodes["Drug"]["id"].to_pylist() == ["ERLOTINIB", "IMATINIB"]
    assert [(r.value, r.reason, r.rows) for r in rejections.rejected] == [
        ("Both", "mixture of two compounds", 4)
    ]
    assert "are mixtures of two compounds, and are left out: 1 (Both)" in notes(bundle)


@pytest.mark.parametrize(
    ("smiles", "left"),
    [
        (ERLOTINIB, ERLOTINIB), ("[Na+].O=C([O-])Cc1ccccc1", "O=C(O)Cc1ccccc1"), ("CCO", "CCO"), ("Cl", "Cl"),
        ("CS(C)=O.O", "CS(C)=O"), ("N.N.Cl[Pt]Cl", "N.N.Cl[Pt]Cl"), ("[Li+].[Cl-]", "[Li+].[Cl-]"),
        ("C[N+](C)(C)CCc1ccccc1.[Br-]", "C[N+](C)(C)CCc1ccccc1"), ("[Na]OC(=O)Cc1ccccc1", "O=C(O)Cc1ccccc1"),
        ("[Li]CCCC", "[Li]CCCC"), ("[Na]Cl", "[Na]Cl"),
    ],
)  # fmt: skip
def test_the_parent_of_a_structure(smiles: str, left: str) -> None:
    assert parent(smiles).smiles == left and parent(smiles).others == ()
