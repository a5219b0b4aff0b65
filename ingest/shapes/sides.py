"""Tells what lies down the side of a wide table, and what along its top.

It is what the caller says, what the first column is called, or what the names are that the other files of the screen
have, too. Where they disagree, or none tells, the table is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """Ids of drugs and cell lines that other files name."""

    drugs: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)


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
    ids: dict[str, tuple[Callable[[str], str], set[str]]] = {
        "cell_line": (cell_line_id, known.lines), "drug": (drug_id, known.drugs), "gene": (str, set()),
    }  # fmt: skip

    def shared(kind: str, of: Sequence[str]) -> int:
        id_of, there = ids[kind]
        return sum(id_of(name) in there for name in of) if there else 0

    straight = shared(first, side) + shared(second, top)
    turned = shared(second, side) + shared(first, top)
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
    """What the other files of a screen name; of a wide one the names of both sides may be cell lines.

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
                known.lines |= {cell_line_id(n) for n in (*header.names[1:], *(r[0] for r in cells))}
    return known
