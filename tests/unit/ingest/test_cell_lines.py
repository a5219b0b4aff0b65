"""Identities of cell lines from the files of three sources: what is matched, filled, refused and said."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph import ingest
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import cell_line_files
from pharmagraph.ingest.sources.cell_line_files import Identity, read_identities
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import GraphStore, open_store

PASSPORTS = """\
model_id,model_name,synonyms,model_comments,model_relations_comment,tissue,COSMIC_ID,BROAD_ID,CCLE_ID,RRID
SIDM00903,A549,"A 549;A-549;NCI-A549",,,Lung,905949,ACH-000681,A549_LUNG,CVCL_0023
SIDM00795,A-375,A375;A 375,,NaN,Skin,906793,ACH-000219,A375_SKIN,CVCL_0132
SIDM00122,MDA-MB-435,,,"M14 is the parent. MDA-MB-435 and MDA-MB435S have been found to be contaminated with M14.",\
Skin,908121,ACH-000884,MDAMB435S_SKIN,CVCL_0417
SIDM00123,M14,,,MDA-MB-435 has been found to be contaminated with M14.,Central Nervous System,,ACH-001111,,nonsense
SIDM09999,NOT-HERE,,,,Bone,1,ACH-999999,,CVCL_9999
"""
MODEL = """\
ModelID,PatientID,CellLineName,StrippedCellLineName,OncotreeLineage,SangerModelID,COSMICID,CCLEName,RRID
ACH-000681,PT-1,A549,A549,Lung,SIDM00903,905949.0,A549_LUNG,CVCL_0023
ACH-000219,PT-2,A-375,A375,Skin,SIDM00795,,A375_SKIN,CVCL_0132
"""
SAMPLE_INFO = """\
DepMap_ID,cell_line_name,stripped_cell_line_name,CCLE_Name,alias,COSMICID,RRID,Sanger_Model_ID,lineage,\
Cellosaurus_issues
ACH-000681,A549,A549,A549_LUNG,"A 549, NCI-A549",905949.0,CVCL_0023,SIDM00903,lung,
ACH-000219,,A375,A375_SKIN,,,CVCL_0132,,skin,Contaminated. Shown to be something else
"""
CELLOSAURUS = """\
----------------------------------------------------------------------------
        CELLOSAURUS: a knowledge resource on cell lines
----------------------------------------------------------------------------
ID   A-549
AC   CVCL_0023
SY   A 549; A549; NCI-A549
DR   Cosmic; 687507
DR   Cosmic; 905949
DR   Cosmic-CLP; 905949
DR   DepMap; ACH-000681
DR   Cell_Model_Passport; SIDM00903
OX   NCBI_TaxID=9606; ! Homo sapiens (Human)
CA   Cancer cell line
//
ID   A-375
AC   CVCL_0132
OX   NCBI_TaxID=9606; ! Homo sapiens (Human)
DR   DepMap; ACH-000219
CC   Problematic cell line: Contaminated. Shown to be a HeLa derivative.
CC   Population: Caucasian.
//
ID   MDA-MB-435
AC   CVCL_M0US
OX   NCBI_TaxID=10090; ! Mus musculus (Mouse)
//
"""
FILES = {
    "p.csv": PASSPORTS,
    "Model.csv": MODEL,
    "sample_info.csv": SAMPLE_INFO,
    "cellosaurus.txt": CELLOSAURUS,
}


def lines(**properties: list[object]) -> pa.Table:
    """Three cell lines as a screen leaves them: names, one COSMIC id, one tissue."""
    columns: dict[str, list[object]] = {
        "id": ["A375", "A549", "MDAMB435"],
        "name": ["A375", "A549", "MDA-MB-435"],
        "tissue": [None, "lung_nsclc", None],
        "cosmic_id": [None, 905949, None],
    }
    return pa.table(columns | properties)


def graph(folder: Path, table: pa.Table | None = None) -> GraphStore:
    store = open_store(f"ladybug://{folder}/graph.lbug")
    store.create_schema()
    store.upsert_nodes("CellLine", lines() if table is None else table)
    return store


def load(store: GraphStore, folder: Path, file: str, text: str) -> tuple[dict[str, dict[str, object]], str]:
    (folder / file).write_text(text)
    report = ingest.cells(store, folder / file)
    rows = {row["id"]: row for row in store.read_nodes("CellLine").to_pylist()}
    return rows, "\n".join(report.bundle.notes)


def test_passports_fill_ids_tissues_synonyms_and_problems(tmp_path: Path) -> None:
    with graph(tmp_path) as store:
        rows, notes = load(store, tmp_path, "model_list.csv", PASSPORTS)
    a549, a375 = rows["A549"], rows["A375"]
    assert (a549["passport_id"], a549["depmap_id"], a549["cellosaurus_id"], a549["ccle_name"]) == (
        "SIDM00903", "ACH-000681", "CVCL_0023", "A549_LUNG",
    )  # fmt: skip
    assert a549["aliases"] == ["A 549", "A-549", "NCI-A549"]
    assert a549["tissue"] == "lung_nsclc"  # is stored, so it stays
    assert (a375["tissue"], a375["cosmic_id"], a375["name"]) == ("skin", 906793, "A375")
    assert a549["problem"] is None
    assert (
        rows["MDAMB435"]["problem"]
        == "MDA-MB-435 and MDA-MB435S have been found to be contaminated with M14."
    )
    assert "3 of the graph's 3 cell lines are in the file: 1 by id, 2 by name" in notes
    assert "not in the graph, and are not added: 2" in notes
    assert "known to be misidentified or contaminated: 1 (MDA-MB-435)" in notes
    assert "M14" not in rows


def test_a_comment_that_names_another_line_is_no_problem_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(PASSPORTS)
    problems = {i.name: i.problem for i in read_identities(tmp_path / "p.csv", Rejections())}
    assert problems["M14"] is None and problems["MDA-MB-435"]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_every_shape_gives_the_same_ids(tmp_path: Path, file: str, packed: bool) -> None:
    path = tmp_path / (f"{file}.gz" if packed else file)
    path.write_bytes(gzip.compress(FILES[file].encode()) if packed else FILES[file].encode())
    found = {i.ids["depmap_id"][0]: i for i in read_identities(path, Rejections()) if "depmap_id" in i.ids}
    a549 = found["ACH-000681"]
    assert {p: v for p, v in a549.ids.items() if p != "ccle_name"} == {
        "depmap_id": ("ACH-000681",),
        "passport_id": ("SIDM00903",),
        "cosmic_id": ("905949",),
        "cellosaurus_id": ("CVCL_0023",),
    }
    assert found["ACH-000219"].name in ("A-375", "A375")


def test_cellosaurus_gives_problems_and_human_lines_only(tmp_path: Path) -> None:
    (tmp_path / "cellosaurus.txt").write_text(CELLOSAURUS)
    assert read_identities(tmp_path / "cellosaurus.txt", Rejections()) == [
        Identity(
            4,
            "A-549",
            ("A 549", "A549", "NCI-A549"),
            {
                "cellosaurus_id": ("CVCL_0023",),
                "depmap_id": ("ACH-000681",),
                "passport_id": ("SIDM00903",),
                "cosmic_id": ("905949",),
            },
        ),
        Identity(
            15,
            "A-375",
            (),
            {"cellosaurus_id": ("CVCL_0132",), "depmap_id": ("ACH-000219",)},
            None,
            "Contaminated. Shown to be a HeLa derivative.",
        ),
    ]


def test_depmaps_own_note_of_a_problem_is_kept(tmp_path: Path) -> None:
    with graph(tmp_path) as store:
        rows, _ = load(store, tmp_path, "sample_info.csv", SAMPLE_INFO)
    assert rows["A375"]["problem"] == "Contaminated. Shown to be something else"
    assert rows["A549"]["aliases"] == ["A 549", "NCI-A549"]


@pytest.mark.parametrize("file", FILES)
def test_a_second_load_changes_nothing_and_says_the_same(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text(FILES[file])
    with graph(tmp_path) as store:
        assert ingest.cells(store, tmp_path / file).changed
        before = store.read_nodes("CellLine")
        again = ingest.cells(store, tmp_path / file)
        assert not again.changed and store.read_nodes("CellLine").equals(before)


def test_files_are_loaded_one_after_another(tmp_path: Path) -> None:
    """Ids from one file match lines of the next; nothing that is stored is lost."""
    with graph(tmp_path) as store:
        load(store, tmp_path, "Model.csv", MODEL)
        rows, notes = load(store, tmp_path, "cellosaurus.txt", CELLOSAURUS)
    assert "2 of the graph's 3 cell lines are in the file: 2 by id" in notes
    assert (rows["A375"]["ccle_name"], rows["A375"]["passport_id"]) == ("A375_SKIN", "SIDM00795")
    assert rows["A375"]["problem"].startswith("Contaminated")  # type: ignore[attr-defined]


HEAD = PASSPORTS.splitlines()[0]


def clash(
    tmp_path: Path, rows: str, table: pa.Table | None = None
) -> tuple[dict[str, dict[str, object]], str]:
    with graph(tmp_path, table) as store:
        before = {row["id"]: row for row in store.read_nodes("CellLine").to_pylist()}
        after, notes = load(store, tmp_path, "p.csv", f"{HEAD}\n{rows}\nSIDM00001,A549,,,,,905949,,,\n")
        after.pop("A549")
        assert all(before[c] == after[c] for c in after), "a clash changed a line"
    return after, notes


def test_two_rows_for_one_line_are_named_and_neither_is_taken(tmp_path: Path) -> None:
    _, notes = clash(tmp_path, "SIDM00795,A-375,,,,,,ACH-000219,,\nSIDM00796,A375,,,,,,ACH-000220,,")
    assert "clash, and are left as they were: 2" in notes
    assert "A-375 is A375 by name, and so are rows 2 and 3" in notes


def test_a_row_with_ids_of_two_lines_is_named(tmp_path: Path) -> None:
    table = lines(depmap_id=["ACH-000219", "ACH-000681", None])
    _, notes = clash(tmp_path, "SIDM00795,A-375,,,,,905949,ACH-000219,,", table)
    assert "A-375 has ids of A375 and A549" in notes


def test_a_name_with_another_stored_id_is_another_line(tmp_path: Path) -> None:
    _, notes = clash(
        tmp_path, "SIDM00795,A-375,,,,,,ACH-000220,,", lines(depmap_id=["ACH-000219", None, None])
    )
    assert "A-375 has the name of A375, but depmap_id ACH-000220 where ACH-000219 is stored" in notes


def test_a_stored_id_that_differs_stays_and_the_rest_is_filled(tmp_path: Path) -> None:
    table = lines(depmap_id=["ACH-000219", None, None], cellosaurus_id=["CVCL_AAAA", None, None])
    with graph(tmp_path, table) as store:
        text = f"{HEAD}\nSIDM00795,A-375,,,,,906793,ACH-000219,,CVCL_0132\n"
        rows, notes = load(store, tmp_path, "p.csv", text)
    assert "A375 has cellosaurus_id CVCL_AAAA, and CVCL_0132 in the file" in notes
    assert (rows["A375"]["cellosaurus_id"], rows["A375"]["cosmic_id"]) == ("CVCL_AAAA", 906793)


def test_an_id_that_two_rows_give_is_stored_for_neither(tmp_path: Path) -> None:
    with graph(tmp_path) as store:
        text = f"{HEAD}\nSIDM00795,A375,,,,,,,,CVCL_0132\nSIDM00122,MDA-MB-435,,,,,,,,CVCL_0132\n"
        rows, notes = load(store, tmp_path, "p.csv", text)
    assert rows["A375"]["cellosaurus_id"] is None and rows["MDAMB435"]["cellosaurus_id"] is None
    assert rows["A375"]["passport_id"] == "SIDM00795"
    assert "cellosaurus_id CVCL_0132 is in 2 rows of the file" in notes


def test_a_row_that_has_the_name_of_a_line_whose_id_is_in_another_row_is_named(tmp_path: Path) -> None:
    _, notes = clash(tmp_path, "SIDM00002,A-549,,,,,,ACH-000002,,")
    assert "A-549 has the name of A549, whose id is in row 3" in notes


def test_a_synonym_that_another_line_has_is_not_stored(tmp_path: Path) -> None:
    with graph(tmp_path) as store:
        text = f"{HEAD}\nSIDM00795,A375,MDA-MB-435;A-375X,,,,,,,\n"
        rows, notes = load(store, tmp_path, "p.csv", text)
    assert rows["A375"]["aliases"] == ["A-375X"]
    assert "MDA-MB-435 would be a name of A375 and MDAMB435" in notes


def test_a_line_is_found_by_a_synonym_last(tmp_path: Path) -> None:
    with graph(tmp_path) as store:
        rows, notes = load(store, tmp_path, "p.csv", f"{HEAD}\nSIDM00795,AMEL,A 375,,,,,ACH-000219,,\n")
    assert rows["A375"]["depmap_id"] == "ACH-000219" and "1 by synonym" in notes
    assert rows["A375"]["aliases"] == ["A 375", "AMEL"]


def test_an_id_of_another_form_is_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(PASSPORTS)
    rejections = Rejections()
    found = {i.name: i for i in read_identities(tmp_path / "p.csv", rejections)}
    assert "cellosaurus_id" not in found["M14"].ids
    assert [(r.row, r.value, r.reason) for r in rejections.rejected] == [
        (5, "nonsense", "is no cellosaurus_id, in column rrid; the value is left out")
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (HEAD.encode() + b"\n", "has no cell line below its header"),
        (b"name,tissue\nA549,lung\n", "the columns .name, tissue. are of no known file"),
        (b"name,tissue\n", "the columns .name, tissue. are of no known file"),
        (
            HEAD.replace("RRID", "COSMIC_ID").encode() + b"\nSIDM00001,A549,,,,,1,,,2\n",
            "the column cosmic_id is there 2 times",
        ),
        (b"m\xe9o,x", "is not UTF-8 text"),
        (CELLOSAURUS[: CELLOSAURUS.index("CC   Pop")].encode(), "ends within the entry A-375"),
        (f"{HEAD}\nSIDM09999,NOBODY,,,,,,,,\n".encode(), "names no cell line of the graph .NOBODY"),
    ],
)
def test_a_file_that_is_none_is_one_line_and_changes_nothing(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with graph(tmp_path) as store:
        before = store.read_nodes("CellLine")
        (tmp_path / "x.csv").write_bytes(content)
        with pytest.raises(InputError, match=message) as caught:
            ingest.cells(store, tmp_path / "x.csv")
        assert "\n" not in str(caught.value)
        assert store.read_nodes("CellLine").equals(before) and not store.counts()["Dataset"]


def test_a_file_that_was_cut_short_is_one_line(tmp_path: Path) -> None:
    whole = gzip.compress(PASSPORTS.encode())
    (tmp_path / "p.csv.gz").write_bytes(whole[: len(whole) // 2])
    with graph(tmp_path) as store, pytest.raises(InputError, match="cannot be read to its end"):
        ingest.cells(store, tmp_path / "p.csv.gz")


def test_an_empty_graph_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(PASSPORTS)
    with open_store(f"ladybug://{tmp_path}/empty.lbug") as store:
        store.create_schema()
        with pytest.raises(InputError, match="load a screen first: cli ingest gdsc"):
            ingest.cells(store, tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("file", "n", "expected"),
    [
        ("cell_model_passports_20191106.csv", 1635, ("SIDM00795", "906793", "ACH-000219", "CVCL_0132")),
        ("depmap_sample_info.csv", 1840, ("SIDM00795", None, "ACH-000219", "CVCL_0132")),
    ],
)
def test_published_files_are_read(
    benchmark_data: Path, file: str, n: int, expected: tuple[str | None, ...]
) -> None:
    found = read_identities(benchmark_data / "cells" / file, Rejections())
    assert len(found) == n
    a375 = next(i for i in found if i.ids.get("depmap_id") == ("ACH-000219",))
    ids = ("passport_id", "cosmic_id", "depmap_id", "cellosaurus_id")
    assert tuple(a375.ids.get(p, (None,))[0] for p in ids if p != "cosmic_id" or expected[1]) == tuple(
        e for e in expected if e
    )


def test_a_file_without_end_is_read_up_to_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_line_files, "MOST", 10)
    path = tmp_path / "Model.csv.gz"
    for n_rows in (10, 1_000):
        path.write_bytes(gzip.compress(b"ModelID,StrippedCellLineName\n" + b"ACH-000219,A375\n" * n_rows))
        if n_rows == 10:
            assert len(read_identities(path, Rejections())) == 10
        else:
            with pytest.raises(InputError, match="has more than 10 cell lines"):
                read_identities(path, Rejections())


def test_a_synonym_with_a_control_character_is_no_alias(tmp_path: Path) -> None:
    path = tmp_path / "Model.csv"
    path.write_text(MODEL.replace("A-375,A375,", "A-375,A\x1b375,"))
    rejections = Rejections()
    (_, a375) = read_identities(path, rejections)
    assert a375.name == "A-375"
    assert a375.synonyms == ()
    (left_out,) = rejections.rejected
    assert (left_out.row, left_out.value) == (3, "A\x1b375")
    assert left_out.reason == "holds the control character U+001B; remove it; the name is left out"
