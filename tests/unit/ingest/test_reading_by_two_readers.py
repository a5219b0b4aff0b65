"""Five hundred tables with random damage are read as a second, slow reader reads them: no traceback, no wrong value."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.rejections import NO_VALUE, Rejections
from pharmagraph.kg.errors import RowError

N_TABLES = 500
DRUGS = ["Erlotinib", "5-FU", "JQ1, racemic", "Épothilone", "(+)-JQ1", 'the "second"']
LINES = ["A375", "HT-29", "NCI-H1299", "697", "KM-H2"]
CELLS = [
    "3,5",
    ">10",
    "NA",
    "",
    "inf",
    "1_0",
    "NaN",
    "-",
    "\u22122.5",
    "1e3",
    "x",
    "None",
    '"',
    "#N/A",
    "\u00a07",
    "1e999",
]


def table(chance: random.Random) -> str:
    """A table of responses whose pairs are all different, with some damage."""
    separator = chance.choice(",;\t")
    pairs = [(d, c) for d in DRUGS for c in LINES]
    chance.shuffle(pairs)
    rows = [
        [drug, line, f"{chance.gauss(0, 3):.3f}", f"{chance.random():.2f}"]
        for drug, line in pairs[: chance.randint(1, 12)]
    ]
    for _ in range(chance.randint(0, 3)):
        row = chance.choice(rows)
        if len(row) > 1:
            match chance.randrange(4):
                case 0:
                    row[chance.randrange(len(row))] = chance.choice(CELLS)
                case 1:
                    row.pop()
                case 2:
                    row.append(chance.choice(["", "", "9", "x"]))
                case _:
                    row[0] = row[0].upper()
    always = chance.random() < 0.2
    lines = [separator.join(_cell(c, separator, always) for c in row) for row in rows]
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        at = chance.randrange(len(lines))
        place = chance.randint(0, len(lines[at]))
        lines[at] = (
            lines[at][:place] + chance.choice(['"', separator, " ", "\n", ",", ""]) + lines[at][place:]
        )
    header = ["drug", "cell_line", "ln_ic50", "auc"]
    names = [chance.choice([n, n.upper(), f" {n} "]) for n in header]
    return separator.join(names) + "\n" + "\n".join(lines) + chance.choice(["\n", "", "\n\n"])


def _cell(text: str, separator: str, always: bool) -> str:
    quoted = always or separator in text or text.startswith('"') or ('"' in text and text != '"')
    return '"' + text.replace('"', '""') + '"' if quoted else text


# --- the slow reader: a machine of states, character by character ----------------------------------------------


def cells_of(line: str, separator: str) -> list[str] | None:
    """The cells of one line, or None if its quotes do not pair."""
    cells, text, state, quoted = [], "", "start", False
    for sign in [*line, separator]:
        if state == "inside":
            state, text = ("closing", text) if sign == '"' else (state, text + sign)
        elif sign == '"' and state == "closing":
            state, text = "inside", text + '"'
        elif sign == separator:
            cells.append(text.strip())
            text, state, quoted = "", "start", False
        elif state == "closing":
            return None
        elif state == "start" and sign == '"':
            state, quoted = "inside", True
        elif state == "start" and sign == " ":
            continue
        else:
            state, text = "bare", text + sign
            if sign == '"' and not quoted and line.count('"') % 2:
                return None
    return None if state == "inside" else cells


def value_of(text: str) -> float | str | None:
    """A number, None for no value, or a word for what is neither."""
    plain = text.replace("\u00a0", "").replace("\u2212", "-")
    if plain.lower() in {"", "na", "n/a", "#n/a", "-"}:
        return None
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", plain, re.ASCII) or abs(
        float(plain)
    ) == float("inf"):
        return "wrong"
    return float(plain)


def slowly(text: str) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """Drug and cell line → ln IC50 and AUC of the good rows."""
    header, *lines = text.split("\n")
    separator = next(s for s in "\t;," if s in header)
    found: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    for line in lines:
        cells = cells_of(line, separator)
        if cells is None or len(cells) < 4 or any(cells[4:]):
            continue
        drug, cell_line = (c.replace("\u00a0", " ").strip() for c in cells[:2])
        ln_ic50, auc = (
            value_of(cells[2].removeprefix(">")),
            value_of(cells[3]),
        )  # a bound is a value with a side
        nothing = {"none", "na", "#n/a", "nan", "-", ""}
        if "wrong" in (ln_ic50, auc) or {drug.lower(), cell_line.lower()} & nothing:
            continue
        if (ln_ic50, auc) != (None, None) and (drug, cell_line) not in found:
            found[drug, cell_line] = (ln_ic50, auc)  # type: ignore[assignment]
    return found


@pytest.mark.parametrize("part", range(10))
def test_both_readers_find_the_same(tmp_path: Path, part: int) -> None:
    path = tmp_path / "responses.csv"
    for seed in range(part, N_TABLES, 10):
        text = table(random.Random(seed))
        path.write_text(text, encoding="utf-8")
        read = read_long(path, "responses", Rejections(keep_going=True), kind="TESTED_ON")
        found = {(r["drug"], r["cell_line"]): (r["ln_ic50"], r["auc"]) for r in read}
        assert found == slowly(text), f"seed {seed}\n{text}"
        assert {r["censored"] for r in read if r["ln_ic50"] == 10} <= {"above"}
        bad = len([r for r in text.split("\n")[1:] if r.strip()]) - len(found)
        if bad:
            refused(path, bad, len(found))
        else:
            assert len(read_long(path, "responses", Rejections(), kind="TESTED_ON")) == len(found)


def refused(path: Path, bad: int, good: int) -> None:
    """A row that was not read stops the load in one line with its row, unless it has no value."""
    rejections = Rejections(keep_going=True)
    read_long(path, "responses", rejections, kind="TESTED_ON")
    without = sum(r.rows for r in rejections.rejected if r.reason == NO_VALUE)
    if len(rejections.rejected) == bool(without):
        assert without <= bad and len(read_long(path, "responses", Rejections(), kind="TESTED_ON")) == good
        return
    with pytest.raises(RowError, match=r"responses\.csv, row \d+") as caught:
        read_long(path, "responses", Rejections(), kind="TESTED_ON")
    assert "\n" not in str(caught.value)
