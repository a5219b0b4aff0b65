"""Mutated manifests and tables are read or refused in one line: no traceback, no file left, no value that nobody wrote.

What is read of a mutated table of responses is compared with a slow reader that has nothing in common with the first.
There are 2,000 of them in all, some milliseconds each; ``make faults`` has 20,000.
"""

from __future__ import annotations

import csv
import io
import os
import random
import re
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from pharmagraph.ingest.manifest.write import write_manifest
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources.checked_screen import CheckedScreen, checked_screen
from pharmagraph.kg.errors import InputError

RESPONSES = [["drug", "cell_line", "ln_ic50", "auc"]] + [
    [d, c, f"{1.5 * i - 0.25 * j:g}", f"{0.1 * j + 0.05 * i:g}"]
    for i, d in enumerate("ABC")
    for j, c in enumerate("WXYZ")
]
DRUGS = "drug,smiles\nA,CCO\nB,CCN\nC,CCC\n"
EXPRESSION = "gene,W,X,Y,Z\nEGFR,1,2,3,4\nTP53,3,1,2,0.5\n"
MANIFEST = """\
name: lab
threshold: z:-0.8
responses:
  file: data.csv
  layout: long
  columns: {drug: drug, cell_line: cell_line, ic50: ln_ic50, auc: auc}
drugs:
  file: drugs.csv
expression: {file: expression.csv, layout: wide, rows: gene, unit: log2}
"""
PIECES = [
    *("", " ", "\t", "\n", "\r\n", "\x00", "\x0b", "\u200b", "\ufeff", "\ud7ff", "é"),
    *",;:#?{}[]'\"-0%=/",
    *re.split(" ", "&a *a NaN NA None null ~ Inf >10 1,5 1_0 1e999 ../x !!python/object:os.system 1-Mar nM"),
    *re.split(" ", "fill-in wide long gene cell_line drug"),
]
ALL = int(os.environ.get("PHARMAGRAPH_TEST_MUTATIONS", "2000"))
N, N_BYTES, N_FOLDERS = ALL * 32 // 100, ALL * 12 // 100, ALL * 12 // 100
"""Manifests, and as many tables; files of bytes of each kind; folders of which a manifest is made."""


def mutated(text: str, chance: random.Random) -> str:
    """A text with one to three changes: a piece put in, taken out, doubled or moved, or a line."""
    for _ in range(chance.randint(1, 3)):
        at, to = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        to = min(to, at + chance.choice((0, 1, 4, 30)))
        lines = text.splitlines(keepends=True)
        kind = chance.randrange(4)
        if kind == 0:
            text = text[:at] + chance.choice(PIECES) + text[to:]
        elif kind == 1:
            text = text[:at] + text[at:to] * 2 + text[to:]
        elif kind == 2 and len(lines) > 1:
            one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[one], lines[other] = lines[other], lines[one]
            text = "".join(lines)
        else:
            text = text[:at] + text[to:]
    return text


def as_csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "screen"
    place.mkdir()
    (place / "drugs.csv").write_text(DRUGS)
    (place / "expression.csv").write_text(EXPRESSION)
    (place / "data.csv").write_text(as_csv(RESPONSES))
    return place


def read(folder: Path) -> CheckedScreen | str:
    """What is read, or why nothing is."""
    try:
        return checked_screen(folder, Rejections(keep_going=True), without_smiles=True)
    except InputError as error:
        return one_line(error)


def one_line(error: InputError) -> str:
    assert "\n" not in str(error)
    return str(error)


def measured(screen: CheckedScreen) -> dict[tuple[str, str], tuple[float, float]]:
    table = screen.responses
    pairs = zip(table.texts["drug"].cells(), table.texts["cell_line"].cells(), strict=True)
    values = zip(table.numbers["ln_ic50"].tolist(), table.numbers["auc"].tolist(), strict=True)
    return {(str(d), str(c)): v for (d, c), v in zip(pairs, values, strict=True)}


def test_a_mutated_manifest_is_read_or_refused(folder: Path) -> None:
    chance, refused = random.Random(1), 0
    before = sorted(p.name for p in folder.iterdir())
    for _ in range(N):
        (folder / "manifest.yaml").write_bytes(mutated(MANIFEST, chance).encode("utf-8", "surrogatepass"))
        refused += isinstance(read(folder), str)
    assert sorted(p.name for p in folder.iterdir()) == [*before, "manifest.yaml"]
    assert N // 4 < refused < N


def written(text: str) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """All values that a slow reader finds for a pair: lines by blanks of lines, cells by any separator, quotes gone."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for line in re.sub("[\ufeff\u200b]", "", text.replace("\x0b", " ")).splitlines():
        for sign in ",;\t":
            cells = [c.strip().strip('"').strip() for c in line.split(sign)]
            if len(cells) >= 4:
                found.setdefault((cells[0], cells[1]), set()).add((cells[2], cells[3]))
    return found


def as_float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def test_a_mutated_table_gives_no_value_that_nobody_wrote(folder: Path) -> None:
    chance, compared, refused = random.Random(2), 0, 0
    (folder / "manifest.yaml").write_text(MANIFEST)
    for _ in range(N):
        text = mutated(as_csv(RESPONSES), chance)
        (folder / "data.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
        screen = read(folder)
        if isinstance(screen, str):
            refused += 1
            continue
        header = text.splitlines()[0].split(",")
        if header[:4] != RESPONSES[0]:
            continue  # moved columns: the slow reader knows no header
        there = written(text)
        for (drug, line), (ln_ic50, auc) in measured(screen).items():
            texts = there.get((drug, line), set())
            numbers = [tuple(map(as_float, pair)) for pair in texts]
            wanted = (None if ln_ic50 != ln_ic50 else ln_ic50, None if auc != auc else auc)
            assert wanted in numbers, (text, drug, line)
            compared += 1
    assert compared > N * 4
    assert 0 < refused < N // 2


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_a_mutated_file_of_bytes_is_read_or_refused(folder: Path, ending: str) -> None:
    path = folder / f"responses.{ending}"
    (folder / "data.csv").unlink()
    if ending == "xlsx":
        book = openpyxl.Workbook()
        for row in RESPONSES:
            book.worksheets[0].append(row)
        book.save(path)
    else:
        names, *rows = RESPONSES
        parquet.write_table(pa.table({n: [r[at] for r in rows] for at, n in enumerate(names)}), path)
    whole, chance, refused = path.read_bytes(), random.Random(3), 0
    for _ in range(N_BYTES):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 8, 64))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.choice((len(content), chance.randrange(len(content))))])
        refused += isinstance(read(folder), str)
    assert refused > N_BYTES // 6


def test_a_manifest_is_made_of_mutated_files_or_refused(folder: Path) -> None:
    chance, made = random.Random(4), 0
    whole = {path: path.read_text() for path in sorted(folder.iterdir())}
    for _ in range(N_FOLDERS):
        for path, text in whole.items():
            path.write_bytes(mutated(text, chance).encode("utf-8", "surrogatepass"))
        try:
            manifest, _ = write_manifest(folder)
        except InputError as error:
            one_line(error)
        else:
            made += 1
            read(folder)
            manifest.unlink()
        assert sorted(folder.iterdir()) == list(whole)
    assert made > N_FOLDERS // 2
