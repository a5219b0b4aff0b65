"""Lays pairs and controls out on a plate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.wording import named

SIZES = {96: (8, 12), 384: (16, 24), 1536: (32, 48)}
"""Wells → rows and columns."""

VEHICLE, POSITIVE, SAMPLE, EMPTY = "vehicle", "positive control", "sample", "empty"
"""What a well may hold."""


@dataclass(frozen=True)
class Well:
    """One well.

    Attributes
    ----------
    row, column
        Counted from 0.
    kind
        What it holds.
    pair
        Position of its pair among those that were laid out; None of controls and empty wells.
    dose
        Number of the dose, counted from 1; 0 of controls and empty wells.
    """

    row: int
    column: int
    kind: str
    pair: int | None = None
    dose: int = 0

    @property
    def name(self) -> str:
        """Such as A1, or AF48."""
        row = chr(65 + self.row % 26)
        return f"{'A' if self.row >= 26 else ''}{row}{self.column + 1}"


@dataclass(frozen=True)
class Plate:
    """A plate and its controls.

    Parameters
    ----------
    size
        Wells: 96, 384 or 1,536.
    controls
        Wells of controls: one half vehicle, one half positive control, of an odd number one more vehicle.
    columns
        Columns of the controls, counted from 1; the first and the last unless given.
    doses
        Wells of each pair, side by side.

    Raises
    ------
    InputError
        If the plate has no room for a pair beside its controls, or its columns none for the controls.
    """

    size: int
    controls: int
    columns: Sequence[int] | None = None
    doses: int = 1

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise InputError(f"{named('plate')} {self.size}: plates have 96, 384 or 1536 wells")
        n_rows, n_columns = SIZES[self.size]
        if self.controls + self.doses > self.size:
            wells = "1 well" if self.doses == 1 else f"{self.doses} wells"
            raise InputError(
                f"a plate of {self.size} wells has no room for a pair ({wells}) beside {self.controls} controls; give "
                f"fewer {named('controls')} or a larger {named('plate')}"
            )
        for column in self.columns or ():
            if not 1 <= column <= n_columns:
                raise InputError(
                    f"{named('control_columns')} {column}: a plate of {self.size} wells has columns 1 to {n_columns}"
                )
        if self.controls > n_rows * len(self._columns):
            shown = " and ".join(str(column + 1) for column in self._columns)
            raise InputError(
                f"columns {shown} of a plate of {self.size} wells hold {n_rows * len(self._columns)} of "
                f"{self.controls} controls; name more columns: {named('control_columns')} 1,2,{n_columns}"
            )

    @property
    def room(self) -> int:
        """How many pairs there is room for."""
        return (self.size - self.controls) // self.doses

    def laid_out(self, pairs: Sequence[tuple[str, str]]) -> list[Well]:
        """All wells, row by row.

        Controls fill their columns from the top, vehicle and positive control in turn. Pairs follow in the other wells
        by cell line, then by drug, so that wells of one cell line are neighbours.

        Parameters
        ----------
        pairs
            Drug and cell line of each, as many as there is `room` for or fewer.
        """
        n_rows, n_columns = SIZES[self.size]
        places = [(row, column) for row in range(n_rows) for column in self._columns][: self.controls]
        found = {}
        for n, (row, column) in enumerate(places):
            # in turn along a row and down a column, so that neither kind has an edge of its own
            turn = (row + list(self._columns).index(column)) % 2 if len(self._columns) > 1 else n % 2
            found[row, column] = Well(row, column, VEHICLE if turn == 0 else POSITIVE)
        free = [(r, c) for r in range(n_rows) for c in range(n_columns) if (r, c) not in found]
        order = sorted(range(len(pairs)), key=lambda n: (pairs[n][1], pairs[n][0]))
        wanted = [(pair, dose) for pair in order for dose in range(1, self.doses + 1)]
        for place, (pair, dose) in zip(free, wanted, strict=False):
            found[place] = Well(*place, SAMPLE, pair, dose)
        return [
            found.get((row, column), Well(row, column, EMPTY))
            for row in range(n_rows)
            for column in range(n_columns)
        ]

    @property
    def _columns(self) -> tuple[int, ...]:
        """Columns of the controls, counted from 0."""
        if self.columns is None:
            return (0, SIZES[self.size][1] - 1)
        return tuple(dict.fromkeys(column - 1 for column in self.columns))
