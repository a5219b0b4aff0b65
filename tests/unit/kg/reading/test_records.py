"""Rows are found whatever separates them, and a line that is no row is named by its number."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.rows import BadRow
from pharmagraph.kg.reading.table import Table, rows

ROWS = [["Erlotinib", "A375", "3.5"], ["Gefitinib", "HT-29", "-0.5"]]


def read(folder: Path, text: str, name: str = "a.csv") -> tuple[list[list[str]], list[BadRow], list[int]]:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    with records(path) as table:
        batches = list(table.batches(size=2))
        return (
            [list(table.header.names), *(row for b in batches for row in b.rows)],
            [bad for b in batches for bad in b.bad],
            [line for b in batches for line in b.lines],
        )


def written(separator: str, quote: str = "", end: str = "\n") -> str:
    lines = [["drug", "cell_line", "ln_ic50"], *ROWS]
    return "".join(separator.join(f"{quote}{cell}{quote}" for cell in line) + end for line in lines)


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a"])
def test_the_separator_is_found_whatever_the_name(
    tmp_path: Path, separator: str, quote: str, name: str
) -> None:
    found, bad, lines = read(tmp_path, written(separator, quote), name)
    assert (found[1:], bad, lines) == (ROWS, [], [2, 3])


SAME = {
    "a comment above": ("# made by hand, today\n" + written(","), [3, 4]),
    "several comments": ("# a\n#b\n\n" + written("\t"), [5, 6]),
    "a marked header": ("#" + written("\t"), [2, 3]),
    "the separator of Excel": ("sep=;\n" + written(";"), [3, 4]),
    "empty lines": (written(",").replace("\nGef", "\n\n \n,,\nGef") + "\n\n", [2, 6]),
    "no line end at the end": (written(",").rstrip("\n"), [2, 3]),
    "blanks around": (written(" , "), [2, 3]),
    "blanks before quotes": (written(", ", '"'), [2, 3]),
    "empty cells behind": (written(",", end=",,\n"), [2, 3]),
    "empty cells behind some": (written(",").replace("3.5", "3.5,,,"), [2, 3]),
    "lines of Windows": (written(";", '"', "\r\n"), [2, 3]),
}


@pytest.mark.parametrize("kind", SAME)
def test_a_table_as_programs_write_it_is_read(tmp_path: Path, kind: str) -> None:
    text, lines = SAME[kind]
    found, bad, numbers = read(tmp_path, text)
    assert (found, bad, numbers) == ([["drug", "cell_line", "ln_ic50"], *ROWS], [], lines)


BAD = {
    "decimal comma": ("Imatinib,A375,3,576", "has 4 cells .*: 3,576 has a decimal comma; write 3.576"),
    "negative decimal comma": ("Imatinib,A375,-0,529", "-0,529 has a decimal comma; write -0.529"),
    "a comma in words": ("Imatinib,inhibitor, reversible,1", "has 4 cells .*; put a cell with a comma in quotes"),
    "too few": ("Imatinib,A375", "has 2 cells where the header has 3"),
    "far too many": ("a,b,c,d,e,f,g", "has 7 cells where the header has 3"),
    "an open quote": ('"Imatinib,A375,1', "opens a quote that is not closed"),
    "an open quote in the middle": ('Imatinib,"A375,1', "opens a quote that is not closed"),
    "an open quote at the end": ('Imatinib,A375,"1', "opens a quote that is not closed"),
    "text behind a quote": ('"Imatinib"x,A375,1', "has text behind a closing quote"),
    "a stray quote": ('Imatinib",A375,1', "has a quote that nothing opens"),
    "a quote over two rows": ('"Imatinib,A375,1\nNilotinib",A375,1', "opens a quote that is not closed"),
    "a name of two lines": ('"Imati\nnib",A375,1', "opens a quote that is not closed"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_is_named_and_costs_no_other_row(tmp_path: Path, kind: str) -> None:
    row, message = BAD[kind]
    text = written(",") + row + "\nDasatinib,K-562,0.25\n"
    found, bad, _ = read(tmp_path, text)
    assert found[1:3] == ROWS and found[-1] == ["Dasatinib", "K-562", "0.25"]
    assert bad[0].line == 4
    with pytest.raises(RowError, match=f"row 4: .*{message}") as caught:
        Table.of_file(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)
    assert not any("\n" in cell for one in found for cell in one)


def test_an_open_quote_in_a_long_file_is_one_bad_row(tmp_path: Path) -> None:
    lines = [f"D{n},A375,{n % 9}" for n in range(20_000)]
    lines[5] = '"' + lines[5]
    found, bad, _ = read(tmp_path, "drug,cell_line,ln_ic50\n" + "\n".join(lines))
    assert [b.line for b in bad] == [7] and len(found) == 20_000


def test_a_column_that_is_not_read_may_have_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('gene,note,effect\nEGFR,"one\ntwo",1\nKRAS,"5"" disc",2\n')
    with records(path) as table:
        (batch,) = table.batches({1})
    assert [r[0] for r in batch.rows] == ["EGFR", "KRAS"] and batch.lines == [2, 4] and not batch.bad


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (",,\n1,2,3\n", "is empty"),
        ('"gene,effect\nEGFR,1\n', "row 1: the header has a quote that is not closed"),
        ("sep=|\ngene|effect\n", 'the separator "|"'),
        ("gene,Gene,effect\nEGFR,EGFR,1\n", 'the column "gene" and "Gene" is there twice; keep one'),
        ("gene,effect,effect,effect\nEGFR,1,2,3\n", '"effect" is there 3 times; keep one'),
        ("gene,effects\nEGFR,1\n", 'no column "effect"; it has gene, effects. .*effects is not effect'),
        ("Symbol,effect\nEGFR,1\n", 'no column "gene"; it has Symbol, effect'),
    ],
)
def test_a_wrong_header_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message.replace("|", r"\|")) as caught:
        rows(path, ("gene", "effect"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["ln_ic50", "LN_IC50", " Ln_IC50 ", "LN IC50", "ln-ic50", '"LN_IC50 "', "\u00a0ln_ic50"]
)
def test_a_column_is_found_in_any_case(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"DRUG,{name}\nErlotinib,1\n", encoding="utf-8")
    assert rows(path, ("drug", "ln_ic50"))[1] == [(2, {"drug": "Erlotinib", "ln_ic50": "1"})]


@pytest.mark.parametrize("name", ["ic50", "IC50", "log_ic50", "ln_ic50_um", "lnic50", "LN_IC50(uM)"])
def test_a_column_that_resembles_another_is_named_and_not_taken(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"drug,{name}\nErlotinib,1\n")
    said = rf"{name.replace('(', '.').replace(')', '.')} is not ln_ic50 .the natural logarithm of IC50"
    with pytest.raises(InputError, match=said):
        rows(path, ("drug", "ln_ic50"))
