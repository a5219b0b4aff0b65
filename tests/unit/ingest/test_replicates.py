"""Replicates are averaged as they should be, whatever the files; what is no value is refused by its name."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pharmagraph.ingest import check_tables
from pharmagraph.ingest.replicates.engines import reason
from pharmagraph.ingest.replicates.means import Averaged, average
from pharmagraph.kg.errors import InputError

RAW = """drug,cell_line,IC50 (nM),auc
Erlotinib,A375,1000,0.5
Erlotinib,A-375,4000,0.7
erlotinib,A375,2000,NA
Lapatinib,A375,>10000,
Lapatinib,A375,>20000,
Lapatinib,HT29,>10000,.9
Lapatinib,HT29,100,.8
Gefitinib,HT29,,
"""


def averaged(folder: Path, text: str, **options: Any) -> tuple[Averaged, pd.DataFrame]:
    (folder / "raw.csv").write_text(text)
    done = average([folder / "raw.csv"], folder / "out.parquet", **options)
    return done, pd.read_parquet(folder / "out.parquet").astype(object).where(lambda t: t.notna(), None)


def test_ic50s_have_their_geometric_mean_and_bounds_count_where_nothing_was_measured(tmp_path: Path) -> None:
    done, rows = averaged(tmp_path, RAW)
    assert (done.rows, done.pairs, done.repeated, done.without_value, done.bad) == (8, 3, 3, 1, 0)
    assert list(rows["drug"]) == ["Erlotinib", "Lapatinib", "Lapatinib"]
    assert list(rows["ln_ic50"]) == pytest.approx([math.log(2), math.log(20), math.log(0.1)])
    assert list(rows["censored"]) == [None, "above", None]
    assert list(rows["replicates"]) == [3, 2, 2]
    assert rows["spread"][0] == pytest.approx(np.std(np.log([1, 4, 2]), ddof=1)) and rows["spread"][2] is None
    assert list(rows["auc"]) == [pytest.approx(0.6), None, pytest.approx(0.85)]


def test_spellings_that_the_graph_takes_for_one_name_are_one(tmp_path: Path) -> None:
    done, rows = averaged(tmp_path, RAW)
    assert done.spellings == {"Erlotinib": ("erlotinib",), "A-375": ("A375",)}
    assert set(rows["cell_line"]) == {"A-375", "HT29"}


def test_what_is_written_is_read_by_the_load(tmp_path: Path) -> None:
    (tmp_path / "screen").mkdir()
    (tmp_path / "raw.csv").write_text(RAW)
    average([tmp_path / "raw.csv"], tmp_path / "screen" / "responses.parquet")
    pd.DataFrame({"drug": ["Erlotinib", "Lapatinib"], "smiles": ["CCO", "CCN"]}).to_csv(
        tmp_path / "screen" / "drugs.csv", index=False
    )
    checked = check_tables(tmp_path / "screen")
    assert sum(checked.labels.values()) == 3 and not checked.rejected


def test_expression_is_averaged_under_its_own_name(tmp_path: Path) -> None:
    _, rows = averaged(tmp_path, "cell_line,gene,TPM\nA375,EGFR,2\nA375,EGFR,4\nHT29,EGFR,1\n")
    assert rows[["cell_line", "gene", "TPM", "replicates"]].to_numpy().tolist() == [
        ["A375", "EGFR", 3.0, 2],
        ["HT29", "EGFR", 1.0, 1],
    ]


def test_a_folder_of_parquet_is_one_table(tmp_path: Path) -> None:
    parts = tmp_path / "raw"
    parts.mkdir()
    for number, value in enumerate((1.0, 3.0)):
        rows = {"drug": ["D"], "cell_line": ["C"], "ln_ic50": np.array([value], np.float32)}
        pd.DataFrame(rows).to_parquet(parts / f"part-{number}.parquet")
    done = average([parts], tmp_path / "out.parquet")
    assert done.rows == 2 and pd.read_parquet(tmp_path / "out.parquet")["ln_ic50"].tolist() == [2.0]


def test_a_pic50_above_a_bound_is_an_ic50_below_it(tmp_path: Path) -> None:
    _, rows = averaged(tmp_path, "drug,cell_line,pIC50\nD,C,>9\nD,E,6\n")
    assert list(rows["censored"]) == ["below", None]
    assert list(rows["ln_ic50"]) == pytest.approx([math.log(1e-3), 0.0])


def test_bounds_that_exclude_each_other_are_told(tmp_path: Path) -> None:
    done, rows = averaged(tmp_path, "drug,cell_line,ln_ic50\nD,C,>3\nD,C,<1\nD,E,>1\nD,E,<3\n")
    assert rows["ln_ic50"].tolist() == [3.0, 1.0]
    assert done.notes == ("a pair has bounds that exclude each other, and got the one above: D on C",)


@pytest.mark.parametrize("sign", [";", "\t"])
def test_other_separators_are_found_and_csv_is_written_where_asked(tmp_path: Path, sign: str) -> None:
    (tmp_path / "raw.tsv").write_text(RAW.replace(",", sign))
    done = average([tmp_path / "raw.tsv"], tmp_path / "out.csv")
    rows = pd.read_csv(tmp_path / "out.csv")
    assert done.pairs == len(rows) == 3 and rows["ln_ic50"][0] == pytest.approx(math.log(2))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.csv", "raw.tsv"]


HEAD = "drug,cell_line,ln_ic50,censored\nD,C,1,\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "D,C,abc,\n", 'raw.csv: ln_ic50 "abc" of D on C is no finite number, this row; correct it'),
        (HEAD + "D,C,inf,\n", 'ln_ic50 "inf" of D on C is no finite number'),
        (HEAD + "D,C,nan,\nD,E,nan,\n", "is no finite number, one of 2 bad rows"),
        (HEAD + " ,C,2,\n", "the column drug is empty (cell_line C), this row"),
        (HEAD + "D,C,2,beyond\n", 'censored "beyond" of D on C is not above, below or empty'),
        (HEAD + "D,C,>2,below\n", 'censored "below" of D on C is not above, below or empty'),
        ("drug,cell_line,IC50 (uM)\nD,C,0\n", 'IC50 (uM) "0" of D on C is no concentration'),
        ("drug,cell_line,IC50\nD,C,1\n", 'the column "IC50" does not say its unit; write'),
        ("drug,cell_line,response\nD,C,1\n", 'there is no column "ln_ic50" or "auc"'),
        ("drug,ln_ic50\nD,1\n", 'there is no column "cell_line"'),
        ("drug,cell_line,ln_ic50\nD,C,\n", "no row has a value; nothing was written"),
        ("drug,cell_line,ln_ic50\n", "no row has a value; nothing was written"),
    ],
)
def test_what_cannot_be_averaged_is_named_and_nothing_is_written(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InputError) as error:
        averaged(tmp_path, text)
    assert said in str(error.value) and "\n" not in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["raw.csv"]


def test_bad_rows_can_be_left_out(tmp_path: Path) -> None:
    done, rows = averaged(tmp_path, HEAD + "D,C,abc,\n,C,2,\nD,C,3,\n", reject_rows=True)
    assert done.bad == 2 and rows["ln_ic50"].tolist() == [2.0]


def test_units_are_said_or_contradicted(tmp_path: Path) -> None:
    text = "drug,cell_line,IC50\nD,C,1000\n"
    _, rows = averaged(tmp_path, text, units={"ic50": "nM"})
    assert rows["ln_ic50"].tolist() == pytest.approx([0.0])
    with pytest.raises(InputError, match="says nM, and"):
        averaged(tmp_path, text.replace("IC50", "IC50 (nM)"), units={"ic50": "uM"})


def test_files_that_are_not_one_table_are_refused(tmp_path: Path) -> None:
    csv, parquet = tmp_path / "a.csv", tmp_path / "b.parquet"
    csv.write_text(HEAD)
    pd.DataFrame({"drug": ["D"], "cell_line": ["C"], "ln_ic50": [1.0]}).to_parquet(parquet)
    (tmp_path / "empty").mkdir()
    cases = [
        ([csv, parquet], "is Parquet and"),
        ([tmp_path / "none.csv"], "does not exist"),
        ([tmp_path / "empty"], "has no files"),
    ]
    for paths, said in cases:
        with pytest.raises(InputError, match=said):
            average(paths, tmp_path / "out.parquet")
    with pytest.raises(InputError, match="one of the tables themselves"):
        average([csv], csv)
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(parquet.read_bytes()[:100])
    with pytest.raises(InputError, match=r"damaged.parquet cannot be read as Parquet \(.*\); fetch") as error:
        average([damaged], tmp_path / "out.parquet")
    assert "\n" not in str(error.value) and not (tmp_path / "out.parquet").exists()


def test_polars_takes_the_place_of_spark_where_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    done, rows = averaged(tmp_path, RAW, on="spark", master="local[2]")
    assert done.engine == "polars" and len(rows) == 3
    assert done.notes[0] == (
        "pyspark is not installed (pip install 'pharmagraph[spark]'); Polars does it, on this machine"
    )
    with pytest.raises(InputError, match="--master local is of Spark; add --engine spark"):
        averaged(tmp_path, RAW, master="local")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(InputError, match="Polars is not installed"):
        averaged(tmp_path, RAW)


HOSTILE = "drug,cell_line,IC50 (uM)\nD,C,1\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HOSTILE + "D\x00d,C,1\n",
            "holds the control character U+0000; remove it, this row; or leave such rows out",
        ),
        (HOSTILE + "NA,C,1\n", 'drug "NA" is a word for nothing, not a name'),
        (HOSTILE + "D,none,1\n", 'cell_line "none" is a word for nothing'),
        (HOSTILE + "D" * 501 + ",C,1\n", "has 501 characters, and 500 are allowed"),
        (HOSTILE + "D,C,>\n", 'IC50 (uM) ">" of D on C is no concentration'),
        (HOSTILE + "D,C,>NA\n", 'IC50 (uM) ">NA" of D on C is no concentration'),
        (HOSTILE + "D,C,1d\n", 'IC50 (uM) "1d" of D on C is no concentration'),
        (HOSTILE.replace("drug", "drug,drug", 1), 'the column "drug" is there twice; keep one'),
        (HOSTILE.replace("\n", "\r"), "end its lines with line feeds"),
        ("# of 2026\n" + HOSTILE, "the header is in row 2; delete the rows above it"),
        ("", "is empty; it needs a header and rows"),
        ("cell_line,gene,value\nC,G\x01,1\n", 'gene "G\x01" holds the control character U+0001'),
        (
            "drug,cell_line,ln_ic50\nD,C,1e308\nD,C,1e308\n",
            "the values of D, C are too large for their ln_ic50",
        ),
    ],
)
def test_what_a_load_refuses_is_refused_before_anything_is_averaged(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "raw.csv").write_text(text, newline="")
    with pytest.raises(InputError) as error:
        average([tmp_path / "raw.csv"], tmp_path / "out.parquet")
    assert said in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["raw.csv"]


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_other_separators_and_empty_rows_are_read_as_a_load_reads_them(
    tmp_path: Path, separator: str
) -> None:
    text = "drug,cell_line,ln_ic50\nCafe\u0301,C,1\nCaf\u00e9,C,\u22123\n,,\n"
    done, rows = averaged(tmp_path, text.replace(",", separator))
    assert (rows["drug"].tolist(), rows["ln_ic50"].tolist()) == (["Caf\u00e9"], [-1.0])
    assert (done.without_value, done.bad, done.spellings) == (1, 0, {})


def test_text_of_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_bytes(HOSTILE.encode("utf-16"))
    with pytest.raises(InputError, match=r"raw.csv is UTF-16 text; save it as UTF-8"):
        average([tmp_path / "raw.csv"], tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        (
            "ln_ic50",
            pd.to_datetime(["2020-01-01"]),
            r"ln_ic50 is of the type timestamp\[.*\]; write it as numbers",
        ),
        ("ln_ic50", [True], "ln_ic50 is of the type bool; write it as numbers or text"),
        ("drug", [["D"]], "drug is of the type list<.*>; write it as text or integers"),
        ("cell_line", [{"a": 1}], "cell_line is of the type struct<.*>; write it as text"),
    ],
)
def test_columns_of_other_types_are_not_cast_to_numbers_or_names(
    tmp_path: Path, column: str, cells: Any, said: str
) -> None:
    table = pd.DataFrame({"drug": ["D"], "cell_line": ["C"], "ln_ic50": [1.0]} | {column: cells})
    table.to_parquet(tmp_path / "raw.parquet")
    with pytest.raises(InputError, match=said):
        average([tmp_path / "raw.parquet"], tmp_path / "out.parquet")


def test_texts_of_categories_are_read(tmp_path: Path) -> None:
    rows = {"drug": ["D", "D"], "cell_line": ["C", "C"], "ln_ic50": pd.Categorical(["1", ">2"])}
    pd.DataFrame(rows).to_parquet(tmp_path / "raw.parquet")
    average([tmp_path / "raw.parquet"], tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet")["ln_ic50"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("cell_line,drug,ln_ic50\nC,D,1\n", "have their columns in another order"),
        (
            "drug,cell_line,ln_ic50,censored\nD,C,1,\n",
            'only b.csv has "censored"; give files with the same columns',
        ),
        ("drug\tcell_line\tln_ic50\nD\tC\t1\n", "have other signs between their columns"),
    ],
)
def test_files_with_other_columns_are_named(tmp_path: Path, second: str, said: str) -> None:
    (tmp_path / "a.csv").write_text("drug,cell_line,ln_ic50\nD,C,1\n")
    (tmp_path / "b.csv").write_text(second)
    with pytest.raises(InputError, match=said):
        average([tmp_path], tmp_path / "out" / "out.parquet")


def test_pipes_devices_and_files_named_twice_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out.parquet"
    raw.mkdir()
    (raw / "a.csv").write_text(HOSTILE)
    with pytest.raises(InputError, match="are one file; name it once"):
        average([raw, raw / "a.csv"], out)
    (raw / "notes.txt").write_text("")
    assert average([raw], out).notes == (f"{raw} has notes.txt, which is not read",)
    os.mkfifo(raw / "b.csv")
    with pytest.raises(InputError, match=r"b.csv is no file, or leads to none; take it out"):
        average([raw], out)
    for place in (raw / "b.csv", Path("/dev/null")):
        with pytest.raises(InputError, match="is no file, as a device or a pipe is none; give a file"):
            average([raw / "a.csv"], place)


def test_a_full_disk_is_no_damaged_table(tmp_path: Path) -> None:
    rows = {"drug": [f"D{n}" for n in range(20_000)], "cell_line": "C", "ln_ic50": 1.0}
    pd.DataFrame(rows).to_parquet(tmp_path / "raw.parquet")
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from pharmagraph.ingest.replicates.means import average\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n    average([Path('raw.parquet')], Path('out.parquet'))\n"
        "except OSError as error:\n    print(error.filename, error.strerror)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "out.parquet File too large\n", done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["raw.parquet"]


def test_an_error_of_java_is_told_by_its_cause() -> None:
    said = (
        "An error occurred while calling o1.collect.\n: org.x.SparkException: [FAILED]\n\tat org.x.A(B:1)\n"
    )
    told = reason(RuntimeError(said + "Caused by: org.x.RuntimeException: Malformed record: 1,2\n"))
    assert told == "Malformed record: 1,2"
    assert reason(RuntimeError("first\nsecond")) == "first"
