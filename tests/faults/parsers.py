"""All that reads what a user or a file says, as functions of bytes and a folder, with a sound example of each."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import cast

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from pharmagraph.cypher import catalogue
from pharmagraph.explorer import addresses
from pharmagraph.ingest.dose_response import points
from pharmagraph.ingest.manifest.entries import read_manifest
from pharmagraph.kg import digests, names, structures
from pharmagraph.kg.reading import gmt, molecules, numbers
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.schema_check import require_known
from pharmagraph.kg.statements import require_reading
from pharmagraph.kg.store import GraphStore
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs import folder as run_folder

SDF = b"""aspirin
  RDKit          2D

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.2990    0.7500    0.0000 C   0  0
    2.5981    0.0000    0.0000 O   0  0
  1  2  1  0
  2  3  1  0
M  END
> <ID>
A1

$$$$
"""
MANIFEST = b"""name: mine
responses:
  file: responses.csv
  columns: {drug: compound, cell_line: line, ic50: value}
expression: {file: expression.csv, unit: log2}
"""
POINTS = b"drug,cell_line,dose_uM,viability\nA,X,0.1,0.9\nA,X,1,0.7\nA,X,10,0.3\nA,X,100,0.1\nA,X,1000,0.05\n"


@dataclass(frozen=True)
class Parser:
    """One reader.

    Attributes
    ----------
    sound
        What it reads without an error; mutations start there.
    read
        Called with what is to be read and an empty folder.
    words
        Pieces that a mutation inserts.
    """

    sound: bytes
    read: Callable[[bytes, Path], object]
    words: tuple[bytes, ...] = ()


def in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    """A reader of a file of a name."""

    def written(given: bytes, folder: Path) -> object:
        path = folder / name
        path.write_bytes(given)
        return read(path)

    return written


def in_text(read: Callable[[str], object]) -> Callable[[bytes, Path], object]:
    """A reader of text, as a command's argument or an address gives it."""
    return lambda given, _: read(given.decode(errors="surrogateescape"))


@cache
def _drugs() -> names.Names:
    rows = {"id": ["ERLOTINIB", "A-1"], "name": ["erlotinib", "a 1"], "aliases": [["Tarceva", "OSI-774"], []]}
    return names.index_of("Drug", pa.table(rows))


def _found(text: str) -> object:
    return (_drugs().find(text), _drugs().starting_with(text), names.fold(text), _drugs().require(text))


def _all_rows(path: Path) -> object:
    with records(path) as found:
        return list(found.batches())


def _of_run(path: Path) -> object:
    about = run_folder.checked(path.parent)
    return about, run_folder.training_pairs(path.parent)


def _numbers(text: str) -> object:
    try:
        numbers.as_number(text)
    except numbers.NotANumberError as error:  # its caller says where
        error.instead("is a number")
    with suppress(UnicodeEncodeError):  # text of a file has no bytes that are no text
        text.encode()
        numbers.column([text])
    return numbers.bound(text), numbers.finite_number(text)


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in (["drug", "cell_line", "ln_ic50"], ["A", "X", 1.5], ["B", "=1+1", None]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _query(text: str) -> object:
    given = catalogue.parse(text.split(" "))
    query = catalogue.catalogue()["responses"]
    numbers_of = [p for p in query.parameters if p.type in ("integer", "float")]
    return [catalogue._bind(cast(GraphStore, None), query, p, given.get(p.name)) for p in numbers_of]


def _cypher(text: str) -> object:
    require_reading(text)
    return require_known(text)


DIGESTS = json.dumps({"sha256": {"a.txt": "0" * 64, "b/c.txt": "1" * 64}}).encode()
ABOUT = json.dumps({"format": run_folder.FORMAT, "files": [], "config": {}, "members": []}).encode()


def _address(text: str) -> object:
    path, _, given = text.partition("?")
    return addresses.read(path, given)


def _pairs(given: bytes, folder: Path) -> object:
    (folder / run_folder.CONFIG).write_bytes(ABOUT)
    return in_file(run_folder.PAIRS, _of_run)(given, folder)


def _pairs_that_are_sound() -> bytes:
    file = io.BytesIO()
    columns = {"drug": ["A"], "cell_line": ["X"], "label": [1.0], "ln_ic50": [0.5]}
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


PRESET = resources.files("pharmagraph.model.presets").joinpath("fast.yaml").read_bytes()
YAML = (b"&a ", b"*a", b"!!python/name:os ", b"- ", b"<<: ", b"[" * 50, b".inf", b"1e999", b"{")
CYPHER = b"MATCH (d:Drug {id: $x}) WHERE d.name = 'a' RETURN d.id LIMIT 3"

PARSERS: dict[str, Parser] = {
    "names": Parser(b"OSI-774", in_text(_found), (b"\xe2\x80\x8f", b"((", b"\x00", b"\xc2\xb5")),
    "SMILES": Parser(
        b"CC(=O)Oc1ccccc1C(=O)O",
        in_text(structures.read),
        (b"[", b"%99", b"(", b".", b"=", b"[C@@H]", b"C" * 60),
    ),
    "numbers": Parser(b"> 1.5e-3", in_text(_numbers), (b"<", b",", b"e", b"-", b"9" * 400, b"nan")),
    "manifest": Parser(MANIFEST, in_file("manifest.yaml", read_manifest), YAML),
    "preset": Parser(PRESET, in_file("p.yaml", lambda path: load_preset(str(path))), YAML),
    "GMT": Parser(
        b"SET\thttp://x\tEGFR\tKRAS\nSET2\tnone\tTP53\n",
        in_file("s.gmt", lambda path: list(gmt.gene_sets(path))),
        (b"\t", b"\n", b"\r", b"\x00"),
    ),
    "query parameters": Parser(b"limit=20", in_text(_query), (b"=", b"limit=", b"9" * 400, b"-", b"drug=x ")),
    "Cypher": Parser(CYPHER, in_text(_cypher), (b"'", b"`", b"/*", b"//", b"\\u", b"(" * 90)),
    "addresses": Parser(b"/drug/erlotinib?gene=EGFR", in_text(_address), (b"%", b"%ff", b"&", b"=", b"?")),
    "run config": Parser(
        ABOUT, in_file(run_folder.CONFIG, _of_run), (b"[" * 2000, b"null", b"1e999", b'"files": 3', b"-1")
    ),
    "run pairs": Parser(_pairs_that_are_sound(), _pairs, (b"PAR1", b"\xff" * 4)),
    "curves": Parser(
        POINTS,
        in_file("points.csv", points.read),
        (b",", b'"', b"-1", b"1e999", b"nan", b"DMSO", b"\r", b"uM"),
    ),
    "SDF": Parser(
        SDF,
        in_file("m.sdf", lambda path: list(molecules.molecules(path))),
        (b"$$$$\n", b"M  END\n", b"999", b"> <", b"V3000"),
    ),
    "SMI": Parser(
        b"CCO ethanol\nc1ccccc1\tbenzene\n",
        in_file("m.smi", lambda path: list(molecules.molecules(path))),
        (b"\t", b"\r", b"#", b"%"),
    ),
    "table": Parser(
        b"drug,cell_line,ln_ic50\nA,X,1.5\n",
        in_file("t.csv", _all_rows),
        (b'"', b"\t", b";", b"\xff\xfe", b"\x00", b"\x1f\x8b", b"PK\x03\x04"),
    ),
    "workbook": Parser(_workbook(), in_file("t.xlsx", _all_rows), (b"PK\x05\x06", b"<", b"&")),
    "backup": Parser(
        DIGESTS,
        in_file(digests.DIGESTS, lambda path: digests.changed(path.parent)),
        (b"../", b"\\u0000", b"[" * 2000, b"/" * 300),
    ),
}
"""Name → parser."""
