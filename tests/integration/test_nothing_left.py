"""A load of which no row is left says how many were rejected, why, where they are, and what to do next."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pharmagraph import ingest
from pharmagraph.kg.errors import NothingLeftError
from tests.cli.typed import typed

SMILES = "drug,smiles\nA,CCO\nB,CCN\n"
PAIRS = "drug,cell_line,ln_ic50\nA,X,1\nB,X,2\nA,Y,3\nB,Y,0\n"
EXPRESSION = "cell_line,gene,value\nX,EGFR,1\nY,EGFR,2\nX,TP53,4\nY,TP53,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with a screen, and an empty folder."""
    screen = tmp_path / "screen"
    screen.mkdir()
    for name, text in (("responses", PAIRS), ("drugs", SMILES), ("expression", EXPRESSION)):
        (screen / f"{name}.csv").write_text(text)
    ingest.tables(f"ladybug://{tmp_path / 'a.lbug'}", screen)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "drugs.csv").write_text(SMILES)
    return tmp_path


BAD = [
    ("bad/responses.csv", "drug,cell_line,ln_ic50\nA,X,yes\nA,Y,no\nB,X,high\n", ("tables", "bad"), "all 3 rows", 3),
    ("bad/responses.csv", "drug,cell_line,response\nA,X,2\n", ("tables", "bad"), "the only row", 1),
    ("om.csv", "cell_line,gene,value\nX,EGFR,yes\nY,EGFR,no\n", ("omics", "om.csv", "--kind=mutated"), "both rows", 2),
    ("om.csv", ",EGFR,TP53\nX,a,b\nY,c,d\n", ("omics", "om.csv", "--kind", "expression"), "all 4 cells", 4),
    ("t.csv", "drug,gene\nA,NOPE1\nB,NOPE2\n", ("targets", "t.csv"), "2 rows were rejected", 2),
    ("t.csv", "drug,gene\nA,NOPE1\nnone,EGFR\nC,EGFR\n", ("targets", "t.csv"), "2 rows were rejected", 2),
    ("CRISPRGeneEffect.csv", ",EGFR (1956)\nX,a\nY,b\n", ("dependencies", "CRISPRGeneEffect.csv"), "both cells", 2),
]  # fmt: skip
"""File, text, command, the words of its error, and rows in the file of rejected ones."""


@pytest.mark.parametrize(("file", "text", "command", "words", "n"), BAD)
def test_all_rows_rejected(
    folder: Path, file: str, text: str, command: tuple[str, ...], words: str, n: int
) -> None:
    (folder / file).write_text(text)
    store = f"ladybug://{folder / 'a.lbug'}"
    ran = typed("ingest", *command, "--reject-rows", "--store", store, "--quiet", cwd=folder)
    assert ran.returncode == 1
    assert words in ran.stderr and "row 2" in ran.stderr and "Nothing was written to the store" in ran.stderr
    assert "no rows" not in ran.stderr and "below its header" not in ran.stderr
    (written,) = (folder / "rejected").iterdir()
    assert f"rejected/{written.name} has every rejected row" in ran.stderr
    with written.open() as rows:
        reasons = list(csv.DictReader(rows))
    assert len(reasons) == n and all(row["reason"] for row in reasons)


def test_the_stored_release_stays_when_all_rows_of_the_next_are_rejected(folder: Path) -> None:
    store = f"ladybug://{folder / 'a.lbug'}"
    table = folder / "t.csv"
    table.write_text("drug,gene\nA,EGFR\n")
    ingest.targets(store, table)
    table.write_text("drug,gene\nA,NOPE1\n")
    with pytest.raises(NothingLeftError, match="1 row was rejected") as raised:
        ingest.targets(store, table, reject_rows=True)
    assert [one.value for one in raised.value.rejected] == ["NOPE1"]
    table.write_text("drug,gene\nA,EGFR\n")
    assert not ingest.targets(store, table).changed


def test_a_check_says_it_too_and_writes_nothing(folder: Path) -> None:
    (folder / "bad" / "responses.csv").write_text("drug,cell_line,ln_ic50\nA,X,yes\nB,X,yes\n")
    ran = typed("ingest", "tables", "bad", "--check", "--reject-rows", cwd=folder)
    assert ran.returncode == 1 and "both rows of bad/responses.csv were rejected" in ran.stderr
    assert "run the same command again" in ran.stderr and not (folder / "rejected").exists()


@pytest.mark.parametrize("text", ["drug,cell_line,ln_ic50\n", "drug,cell_line,auc\n\n\n"])
def test_a_table_without_rows_is_told_from_one_whose_rows_are_bad(folder: Path, text: str) -> None:
    (folder / "bad" / "responses.csv").write_text(text)
    ran = typed("ingest", "tables", "bad", "--reject-rows", cwd=folder)
    assert ran.returncode == 1 and "has no response below its header; add rows to it" in ran.stderr
    assert "rejected" not in ran.stderr
