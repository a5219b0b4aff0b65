"""Tells what lies down the side of a wide table, and what along its top.

It is what the caller says, what the first column is called, what the names and ids are that the other files of the
screen have, too, or what the names look like: DepMap and COSMIC ids are of cell lines, ``EGFR (1956)`` is a gene. Where
they disagree, or none tells, the table is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.ingest.column_words import stands_for
from pharmagraph.ingest.identities.cell_lines import IDS
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.numbers import NO_VALUE
from pharmagraph.kg.reading.records import records

PLURAL = {"drug": "drugs", "cell_line": "cell lines", "gene": "genes"}
WAY = "say it in manifest.yaml (cli ingest tables FOLDER --init writes one)"
"""What to do where nothing tells."""

NAMING = {
    "drug": "drug",
    "pubchem_cid": "drug",
    "broad_id": "drug",
    "chembl_id": "drug",
    "cell_line": "cell_line",
    **dict.fromkeys(IDS, "cell_line"),
}
"""Columns of tables of drugs and cell lines that name them → what they name."""

_THERE = "that the other files have, too,"
_LINE = re.compile(r"ACH-\d{6}|SIDM\d{5}|CVCL_\w{4}", re.IGNORECASE)
_COSMIC = (680_000, 2_500_000)
"""Between which COSMIC's numbers of cell lines are; numbers of genes are hardly there."""
_GENE = re.compile(r"[A-Za-z][\w.-]* \(\d+\)|[A-Za-z][\w.-]*\|\d+|ENSG\d{11}(\.\d+)?")
_OFTENER = 10
"""Names that one side shares with the other files, for each that the other side shares."""


@dataclass
class Known:
    """Ids that other files name: of drugs, of cell lines, and of what may be cell lines, on a side of a wide table."""

    drugs: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)


def side_of(
    names: tuple[Sequence[str], Sequence[str]],
    corner: str,
    kinds: tuple[str, str],
    known: Known,
    file: str,
    said: str = "",
) -> tuple[str, str]:
    """Which of two kinds of names lies down the side, and what tells it.

    Parameters
    ----------
    names
        Down the side, and along the top.
    corner
        The name of the first column.
    kinds
        Two of ``drug``, ``cell_line`` and ``gene``.
    known
        What other files name.
    file
        What messages call the table.
    said
        What the manifest says.

    Raises
    ------
    InputError
        If nothing tells, or names disagree with what is said.
    """
    first, second = kinds
    side, top = names

    by_names, n, who = _by_names(names, kinds, known)
    by_corner = next((kind for kind in kinds if stands_for(kind, corner)), "")
    given = said or by_corner
    if given and by_names and given != by_names:
        source = "manifest.yaml" if said else f'the first column "{corner}"'
        raise InputError(
            f"{file}: {source} says that down the side are {PLURAL[given]}, and {n:,} names {who} say that "
            f"{PLURAL[by_names]} are; correct the one that is wrong"
        )
    if given:
        return given, "the manifest" if said else f'the first column is called "{corner}"'
    if by_names:
        return by_names, f"by {n:,} names {who.rstrip(',')}"
    raise InputError(
        f"{file} is a wide table, and nothing tells whether {some_of(side)} (down the side) or {some_of(top)} (along "
        f"the top) are {PLURAL[first]}. If {PLURAL[first]} are down the side, write rows: {first} below its file in "
        f"manifest.yaml; if {PLURAL[second]} are, write rows: {second}. cli ingest tables FOLDER --init writes the "
        "manifest, with this line open"
    )


def _by_names(
    names: tuple[Sequence[str], Sequence[str]], kinds: tuple[str, str], known: Known
) -> tuple[str, int, str]:
    """What the names say is down the side, or an empty text; how many say it, and what they are."""

    def shared(kind: str, of: Sequence[str], lines: set[str]) -> int:
        if kind == "drug":
            return sum(drug_id(name) in known.drugs for name in of) if known.drugs else 0
        return sum(cell_line_id(name) in lines for name in of) if kind == "cell_line" and lines else 0

    (first, second), (side, top) = kinds, names
    for count, who in (
        (lambda kind, of: shared(kind, of, known.lines), _THERE),
        (_n_of_form, "that are ids of cell lines, or genes beside an id,"),
        (lambda kind, of: shared(kind, of, known.maybe), _THERE),
    ):
        straight = count(first, side) + count(second, top)
        turned = count(second, side) + count(first, top)
        if straight > _OFTENER * turned:
            return first, straight, who
        if turned > _OFTENER * straight:
            return second, turned, who
    return "", 0, ""


def _n_of_form(kind: str, names: Sequence[str]) -> int:
    """How many names are written as a kind of things alone is."""
    if kind == "gene":
        return sum(_GENE.fullmatch(name) is not None for name in names)
    if kind == "cell_line":
        low, high = _COSMIC
        if names and all(name.isascii() and name.isdecimal() and low <= int(name) <= high for name in names):
            return len(names)
        return sum(_LINE.fullmatch(name) is not None for name in names)
    return 0


def some_of(names: Sequence[str]) -> str:
    """The first names of a side."""
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def known_beside(named: Iterable[tuple[Path, Mapping[str, str]]], path: Path) -> Known:
    """What the other files of a screen name.

    Parameters
    ----------
    named
        Files with what `Shape.naming` says of each.
    path
        The file itself.
    """
    known = Known()
    for other, naming in named:
        if other == path:
            continue
        with records(other) as table:
            header = table.header
            found = {kind: at for kind, name in naming.items() if (at := header.find(name)) is not None}
            rows = next(table.batches(range(len(header.names))), None)
            cells = rows.rows if rows else []
            for column, at in found.items():
                of_column = {r[at] for r in cells if r[at].lower() not in NO_VALUE}
                if NAMING[column] == "drug":
                    known.drugs |= set(map(drug_id, of_column))
                else:
                    known.lines |= set(map(cell_line_id, of_column))
            if not found:
                known.maybe |= {cell_line_id(n) for n in (*header.names[1:], *(r[0] for r in cells))}
    return known
