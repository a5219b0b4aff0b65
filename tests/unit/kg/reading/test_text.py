"""A file is text, however it is packed and encoded, or one line says why it is none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading import unpacking
from pharmagraph.kg.reading.text import opened, stem, tidy

TEXT = "drug,cell_line\nÉthanol,A549\n5-fluorouracil,MCF7\n"


def zipped(*files: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            archive.writestr(name, text)
    return content.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda text: text,
    "gzip": lambda text: gzip.compress(text, mtime=0),
    "gzip in two parts": lambda text: gzip.compress(text[:9], mtime=0) + gzip.compress(text[9:], mtime=0),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zip": lambda text: zipped(("a.csv", text)),
    "zip from a Mac": lambda text: zipped(("a.csv", text), ("__MACOSX/._a.csv", b"\0\1")),
}
ENCODED = {
    "UTF-8": TEXT.encode(),
    "byte order mark": TEXT.encode("utf-8-sig"),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-16, big end first, without a mark": TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "lines of Windows": TEXT.replace("\n", "\r\n").encode(),
    "lines of an old Mac": TEXT.replace("\n", "\r").encode(),
}


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("encoded", ENCODED)
@pytest.mark.parametrize("name", ["a.csv", "a.gz"])
def test_packing_and_encoding_are_found_by_content(
    tmp_path: Path, packed: str, encoded: str, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(PACKED[packed](ENCODED[encoded]))
    with opened(path) as file:
        assert file.read() == TEXT


LONG = "".join(f"D{n},{n * 37 % 101}\n" for n in range(2_000)).encode()
NO_TEXT = {
    "Latin-1": ("caf\xe9ine,1\n".encode("latin-1"), 'is not UTF-8 text .near "caf\ufffdine,1"'),
    "Windows": ("“drug”,1\n".encode("cp1252"), "is not UTF-8 text"),
    "half of UTF-16": (ENCODED["UTF-16"][:-1], "is not UTF-16 text"),
    "gzip cut off": (gzip.compress(LONG)[:-200], "cannot be read to its end"),
    "gzip damaged": (gzip.compress(LONG)[:300] + bytes(90) + gzip.compress(LONG)[390:], "cannot be read to its end"),
    "xz cut off": (lzma.compress(LONG)[:-100], "cannot be read to its end"),
    "zip cut off": (zipped(("a.csv", LONG))[:-60], "cannot be read to its end"),
    "zip of two": (zipped(("a.csv", b"a"), ("b.csv", b"b")), "is a zip archive of 2 files"),
    "zip of none": (zipped(), "is a zip archive of 0 files"),
    "workbook": (zipped(("[Content_Types].xml", b"<"), ("xl/a.xml", b"<")), "is a workbook; save its sheet as CSV"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "is a workbook; save its sheet as CSV"),
    "zstandard": (b"(\xb5/\xfd" + bytes(9), "is packed with zstandard"),
    "Parquet": (b"PAR1" + bytes(9), "is a Parquet file; save it as CSV"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_TEXT)
def test_what_is_no_text_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    content, message = NO_TEXT[kind]
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught, opened(path) as file:
        file.read()
    assert "\n" not in str(caught.value) and f"{tmp_path.name}/a.csv" in str(caught.value)


@pytest.mark.parametrize("packed", ["gzip", "xz", "bzip2", "zip"])
def test_a_bomb_is_refused_before_it_unpacks(
    tmp_path: Path, packed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "UNCHECKED", 100_000)
    path = tmp_path / "bomb.csv"
    path.write_bytes(PACKED[packed](b"0" * 2_000_000))
    with pytest.raises(InputError, match="unpacks to more than 200 times its size"), opened(path) as file:
        file.read()
    monkeypatch.setattr(unpacking, "UNCHECKED", 10_000_000)
    monkeypatch.setattr(unpacking, "LARGEST", 1_000)
    unpacking._look_through.cache_clear()  # what was found of this file under other limits
    with pytest.raises(InputError, match="more than 1,000 bytes unpacked"), opened(path) as file:
        file.read()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("A\u0301", "Á"),
        ("\u00a0HL\u00a060\u202f", "HL 60"),
        ("\ufeffdrug", "drug"),
        ("A\u200b549", "A549"),
        ("Å", "Å"),
        (" plain ", "plain"),
        ("β", "β"),
    ],
)
def test_spellings_of_one_character_become_one(written: str, read: str) -> None:
    assert tidy(written) == read


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("c2.cp.first.v1.symbols.gmt", "c2.cp.first.v1.symbols"),
        ("c2.cp.second.v1.symbols.gmt.gz", "c2.cp.second.v1.symbols"),
        ("9606.protein.links.v11.0.txt.gz", "9606.protein.links.v11.0"),
        ("Model.csv", "Model"),
        ("targets", "targets"),
        ("a.CSV.GZ", "a"),
        (".csv", ".csv"),
    ],
)
def test_a_datasets_id_is_the_files_whole_name(name: str, whole: str) -> None:
    assert stem(Path(name)) == whole
