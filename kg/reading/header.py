"""Finds columns by name: in any case, with blanks around them; a name that is alike is named, and never taken."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.reading.numbers import is_unit

ALIKE = 0.7
"""Ratio of common characters from which two names resemble each other."""

_MEANING = {
    "ln_ic50": "the natural logarithm of IC50 in µmol/l",
    "response": "1 sensitive, 0 resistant",
    "affinity": "in nmol/l",
}
"""What a column holds, where another is easily taken for it."""

_LONGEST_LIST = 8
_COMPARED = 1_000
"""Names that are compared with those that are wanted; a matrix has tens of thousands, which resemble none."""


@lru_cache(maxsize=1 << 17)
def folded(name: str) -> str:
    """A column's name in small letters, with an underscore for blanks and hyphens."""
    return re.sub(r"[\s-]+", "_", name.strip().casefold())


def meant(column: str) -> str:
    """A column with what it holds, where another is easily taken for it."""
    return column + (f" ({_MEANING[column]})" if column in _MEANING else "")


def way_out(column: str) -> str:
    """What to write where a value of a column cannot be read, as the end of a sentence; empty where that is plain."""
    return "; write 1 for sensitive and 0 for resistant" if column == "response" else ""


@dataclass(frozen=True)
class Header:
    """The names of a table's columns.

    Attributes
    ----------
    source
        What messages call the table.
    top
        Its row; None in a DataFrame.
    names
        As written, without blanks around them.
    """

    source: str
    top: int | None
    names: tuple[str, ...]

    @property
    def place(self) -> str:
        """The table and the row, for messages."""
        return self.source if self.top is None else f"{self.source}, row {self.top}"

    def find(self, column: str) -> int | None:
        """Where a column is; None where it is not.

        Raises
        ------
        InputError
            If it is there twice.
        """
        at = self._places.get(folded(column), [])
        if len(at) > 1:
            spelled = " and ".join(dict.fromkeys(f'"{self.names[n]}"' for n in at))
            raise InputError(
                f"{self.place}: the column {spelled} is there "
                f"{'twice' if len(at) == 2 else f'{len(at)} times'}; keep one"
            )
        return at[0] if at else None

    def has(self, column: str) -> bool:
        """Whether a column is there, once or more."""
        return folded(column) in self._places

    @property
    def title(self) -> str:
        """What to do where a row has one name, as a title has it; empty for the header of a table."""
        named = [name for name in self.names if name]
        if len(named) != 1 or self.top is None:
            return ""
        return (
            f'"{shortened(named[0])}" is alone in row {self.top}: if it is a title, delete the rows above the header, '
            "or else put commas, tabs or semicolons between the columns"
        )

    def misplaced(self, number: int, cells: Sequence[str]) -> str:
        """Why a row is none: it repeats the header, or has the units that belong into it; empty for any other row."""
        if tuple(cells) == self.names:
            return "and the cells behind it repeat the header; delete this row"
        if number == (self.top or 0) + 1 and not all(cells) and all(map(is_unit, filter(None, cells))):
            return (
                "is a unit, as are all words of this row; delete it, and write the unit in the column's name"
            )
        return ""

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Folded name → where it is; a matrix has tens of thousands, and each shape asks for columns."""
        places: dict[str, list[int]] = {}
        for at, name in enumerate(self.names):
            places.setdefault(folded(name), []).append(at)
        return places

    def columns(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, int]:
        """Where each column is that the table has.

        Raises
        ------
        InputError
            If a required one is not there, or one is there twice.
        """
        found = {c: at for c in (*required, *optional) if (at := self.find(c)) is not None}
        for column in required:
            if column not in found:
                raise self.lacks([column], needed=required, taken=found)
        return found

    def lacks(
        self, any_of: Sequence[str], *, needed: Sequence[str] = (), taken: Iterable[str] = ()
    ) -> InputError:
        """The error that none of the columns is there, with those that resemble one."""
        wanted = " or ".join(f'"{c}"' for c in any_of)
        has = ", ".join(map(shortened, self.names[:_LONGEST_LIST])) + (
            ", …" if len(self.names) > _LONGEST_LIST else ""
        )
        alike = [f"{shortened(n)} is not {meant(c)}" for n, c in self.alike(any_of, taken)]
        needed_too = f". Needed: {', '.join(needed)}" if needed else ""
        if self.title:
            needed_too += f"; {self.title}"
        elif "" in self.names:
            needed_too += (
                "; cells without a name, as merged ones leave, are in this row: give each column its own"
            )
        return InputError(
            f"{self.place}: there is no column {wanted}; it has {has or 'nothing'}{needed_too}"
            + (f"; {'; '.join(alike)}" if alike else "")
        )

    def unused(self, used: Iterable[str], known: Sequence[str]) -> str:
        """A sentence that names the columns that are not read, and what they resemble; empty if all are.

        Parameters
        ----------
        used
            Columns that are read.
        known
            Columns that the table might have.
        """
        taken = set(used)
        places = {self.find(c) for c in taken}
        left = [n for at, n in enumerate(self.names) if at not in places]
        if not left:
            return ""
        alike = dict(self.alike([c for c in known if c not in taken], taken))
        said = [
            f"{shortened(n) or '(no name)'}" + (f" (is not {meant(alike[n])})" if n in alike else "")
            for n in left
        ]
        more = f" and {len(said) - _LONGEST_LIST} more" if len(said) > _LONGEST_LIST else ""
        return f"{self.source} has columns that are not read: {', '.join(said[:_LONGEST_LIST])}{more}"

    def alike(self, wanted: Sequence[str], taken: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Names that are none of the wanted columns, each with the one that it resembles."""
        used = {folded(c) for c in taken}
        found = []
        for name in self.names[:_COMPARED]:
            own = folded(name)
            if own in used or not own:
                continue
            near = difflib.get_close_matches(own, wanted, n=1, cutoff=ALIKE)
            if near and own != folded(near[0]):
                found.append((name, near[0]))
        return found
