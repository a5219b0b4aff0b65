"""What a guess is: lines of a manifest with their reasons, and what values and names say of units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.ingest.column_words import folded
from pharmagraph.ingest.manifest.entries import OPEN
from pharmagraph.ingest.shapes.shape import Head
from pharmagraph.ingest.units import columns as units
from pharmagraph.kg.reading import numbers

_LARGEST_LOGARITHM = 25
"""log2(TPM + 1) is below it, since 2**25 is more than all of a million."""


@dataclass(frozen=True)
class Line:
    """A line of a manifest: a key, its value (a word, a list or lines below it), and what it was guessed from."""

    key: str
    value: str | tuple[str, ...] | tuple[Line, ...]
    reason: str = ""


@dataclass(frozen=True)
class Guess:
    """What a file may hold.

    Parameters
    ----------
    part
        A part of a screen.
    path
        The file.
    lines
        Of the manifest, below the part.
    naming
        As `Shape.naming` has it.
    """

    part: str
    path: Path
    lines: tuple[Line, ...]
    naming: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Guesses:
    """What the files of a folder may hold, a part of a screen each, and why others are not used."""

    parts: tuple[Guess, ...]
    others: tuple[str, ...]

    @property
    def n_open(self) -> int:
        """Lines that a person has to fill in."""

        def of(lines: Sequence[object]) -> int:
            nested = [line.value for line in lines if isinstance(line, Line)]
            return sum(v == OPEN if isinstance(v, str) else of(v) for v in nested)

        return sum(of(guess.lines) for guess in self.parts)


def name_of(path: Path, folder: Path) -> str:
    """A file or a sheet as a manifest names it."""
    return str(path.relative_to(folder))


def cells_of(head: Head, name: str) -> list[float]:
    """The numbers of a column in the first rows."""
    at = head.header.names.index(name)
    values = [numbers.finite_number(row[at]) for row in head.rows]
    return [v for v in values if v is not None]


def range_of(values: Sequence[float]) -> str:
    """A sentence about values."""
    return (
        f"the first values are {min(values):g} to {max(values):g}"
        if values
        else "the first rows have no value"
    )


def unit_of_ic50(name: str, values: Sequence[float]) -> list[Line]:
    """The unit, which stays open unless the header says it."""
    said = units.ic50(name)
    if said is not None and (said.known is not None or folded(name) == "ln_ic50"):
        return []
    reason = f'"{name}" says no unit, {range_of(values)}: nM, uM, M, ln_uM, log10_M, pIC50'
    return [Line("units", (Line("ic50", OPEN, reason),))]


def scale_of(name: str, values: Sequence[float]) -> list[Line]:
    """The scale of expression, which stays open unless the name says it or the values are like logarithms."""
    if units.expression(name):
        return []
    if values and max(values) > _LARGEST_LOGARITHM:
        return [Line("unit", OPEN, f"{range_of(values)}, which are no logarithms: tpm, counts, linear")]
    return [Line("unit", "log2", f"{range_of(values)}, as logarithms are; or tpm, counts, linear, z")]
