"""Tells what lies down the side of a wide table, and what along its top.

It is what the caller says, what the first column is called, or what the names are that the other files of the screen
have, too. Where they disagree, or none tells, the table is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.ingest.column_words import stands_for
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.records import records

PLURAL = {"drug": "drugs", "cell_line": "cell lines", "gene": "genes"}
WAY = "say it in manifest.yaml (cli ingest tables FOLDER --init writes one)"
"""What to do where nothing tells."""
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

    def shared(kind: str, of: Sequence[str], lines: set[str]) -> int:
        if kind == "drug":
            return sum(drug_id(name) in known.drugs for name in of) if known.drugs else 0
        return sum(cell_line_id(name) in lines for name in of) if kind == "cell_line" and lines else 0

    straight = turned = 0
    for lines in (known.lines, known.maybe):
        if not straight + turned:
            straight = shared(first, side, lines) + shared(second, top, lines)
            turned = shared(second, side, lines) + shared(first, top, lines)
    by_names = first if straight > _OFTENER * turned else second if turned > _OFTENER * straight else ""
    by_corner = next((kind for kind in kinds if stands_for(kind, corner)), "")
    given = said or by_corner
    n = straight if by_names == first else turned
    if given and by_names and given != by_names:
        source = "manifest.yaml" if said else f'the first column "{corner}"'
        raise InputError(
            f"{file}: {source} says that down the side are {PLURAL[given]}, and {n:,} names that the other files have, "
            f"too, say that {PLURAL[by_names]} are; correct the one that is wrong"
        )
    if given:
        return given, "the manifest" if said else f'the first column is called "{corner}"'
    if by_names:
        return by_names, f"{n:,} of the names are in the other files, too"
    raise InputError(
        f"{file} is a wide table, and nothing tells whether {PLURAL[first]} or {PLURAL[second]} are down the side "
        f"({some_of(side)}) or along the top ({some_of(top)}): call its first column {first} or {second}, or {WAY}"
    )


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
            if found:
                known.lines |= {cell_line_id(r[found["cell_line"]]) for r in cells if "cell_line" in found}
                known.drugs |= {drug_id(r[found["drug"]]) for r in cells if "drug" in found}
            else:
                known.maybe |= {cell_line_id(n) for n in (*header.names[1:], *(r[0] for r in cells))}
    return known
