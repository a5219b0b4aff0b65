"""Large tables are written part by part, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.table_file import require, write


def _parts() -> Iterator[pa.Table]:
    for words, values in ((["a", "=b"], [1.5, None]), (['c,"d"'], [2.0]), ([], [])):
        drug = pa.array(words, pa.string()).dictionary_encode()
        yield pa.table({"drug": drug, "low": pa.array(values, pa.float32())})


def test_csv_has_one_header_no_formula_and_empty_cells(tmp_path: Path) -> None:
    assert write(tmp_path / "a.csv", _parts()) == 3
    assert (tmp_path / "a.csv").read_text().splitlines()[0] == "drug,low"
    read = csv.read_csv(tmp_path / "a.csv", convert_options=csv.ConvertOptions(null_values=[""]))
    assert read.to_pydict() == {"drug": ["a", "'=b", 'c,"d"'], "low": [1.5, None, 2.0]}


def test_parquet_keeps_texts_as_they_are(tmp_path: Path) -> None:
    assert write(tmp_path / "a.parquet", _parts()) == 3
    assert parquet.read_table(tmp_path / "a.parquet")["drug"].to_pylist() == ["a", "=b", 'c,"d"']


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_what_fails_leaves_the_former_file(tmp_path: Path, name: str) -> None:
    def failing() -> Iterator[pa.Table]:
        yield next(_parts())
        raise InputError("stopped")

    (tmp_path / name).write_text("former")
    with pytest.raises(InputError, match="stopped"):
        write(tmp_path / name, failing())
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "former"


@pytest.mark.parametrize("name", ["a", "a.xlsx", "a.csv.gz", "a.csv/b"])
def test_other_endings_and_folders_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"give a file that ends in \.csv or \.parquet"):
        require(tmp_path / name)
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        require(tmp_path / "b.csv")
