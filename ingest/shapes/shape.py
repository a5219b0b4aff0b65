"""What a shape of files is: the columns that tell it, the part of a screen that it gives, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.ingest.long_table import LongTable
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels, Listed, Mutations
from pharmagraph.ingest.units.columns import stands_for
from pharmagraph.ingest.units.given import Given
from pharmagraph.kg.reading.header import Header

RESPONSES, DRUGS, CELLS, EXPRESSION, MUTATIONS = "responses", "drugs", "cells", "expression", "mutations"
COPY_NUMBER, DEPENDENCY = "copy_number", "dependency"
LAYERS = (COPY_NUMBER, DEPENDENCY)
"""Further omics, by the kind of their profiles."""
PARTS = (RESPONSES, DRUGS, CELLS, EXPRESSION, MUTATIONS, *LAYERS)
"""Parts of a screen, in the order in which they are read."""


@dataclass(frozen=True)
class Head:
    """The beginning of a file.

    Parameters
    ----------
    path
        The file.
    first
        Its first line.
    header
        The names of its columns.
    rows
        Its first rows.
    """

    path: Path
    first: str
    header: Header
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Part:
    """What a file gives to a screen.

    Parameters
    ----------
    dataset
        Of responses: the screen that they are of, where the shape tells it.
    layer
        Values of a kind of `LAYERS`, which is that of the shape.
    """

    responses: LongTable | None = None
    dataset: str | None = None
    drugs: Listed | None = None
    cells: Listed | None = None
    expression: Levels | None = None
    mutations: Mutations | None = None
    layer: Levels | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Companions:
    """What was given beside a file.

    Parameters
    ----------
    files
        Name of a shape → the file of this shape that was given, too.
    units
        What the user says of units, by measure.
    named
        All files, and for each the columns that have names of drugs and cell lines, as `Shape.naming` has them.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    units: Given = field(default_factory=dict)
    named: tuple[tuple[Path, Mapping[str, str]], ...] = ()

    def __contains__(self, shape: str) -> bool:
        return shape in self.files

    def __getitem__(self, shape: str) -> Path:
        return self.files[shape]


Read = Callable[[Path, Companions, Rejections], Part]


@dataclass(frozen=True)
class Shape:
    """A shape of files.

    Parameters
    ----------
    name
        As a person calls it.
    gives
        The part of a screen; empty for a table that another one is read with.
    read
        Reads a file; None for a shape that is recognised and is no part of a screen.
    columns
        That a file must have; empty where ``tells`` decides alone.
    any_of
        Columns of which it must have one.
    united
        Those of them in whose place may be a column whose name says a unit.
    tells
        Whether a beginning is of this shape, beyond its columns.
    naming
        Column of `shapes.sides.NAMING` → its name in the file; empty where that is not known.
    instead
        Of a shape without ``read``: what to do with such a file.
    tells_dataset
        Whether its responses say the screen that they are of, so that a folder may have several of them.
    """

    name: str
    gives: str = ""
    read: Read | None = None
    columns: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    united: tuple[str, ...] = ()
    tells: Callable[[Head], bool] = lambda head: True
    naming: Mapping[str, str] = field(default_factory=dict)
    instead: str = ""
    tells_dataset: bool = False

    def fits(self, head: Head) -> bool:
        """Whether a file that begins so has this shape."""

        def has(column: str) -> bool:
            names = head.header.names if column in self.united else ()
            return head.header.has(column) or any(stands_for(column, name) for name in names)

        return (
            all(has(c) for c in self.columns)
            and (not self.any_of or any(has(c) for c in self.any_of))
            and self.tells(head)
        )
