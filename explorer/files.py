"""Tables of a page as files: the page is made anew, and the table that is asked for is written as CSV or Parquet.

So a file has the rows as the store gave them, with their types, and may have more of them than the page shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pharmagraph.kg.console import flat, plain

if TYPE_CHECKING:
    import pyarrow as pa

    from pharmagraph.explorer.asking import Answer

Tables = dict[str, "Answer | pa.Table"]
"""Name of a file, without its ending → what it has."""

_offered: ContextVar[Tables | None] = ContextVar("offered", default=None)


@contextmanager
def collected() -> Iterator[Tables]:
    """The tables of the page that is made meanwhile, by the names of their files."""
    found: Tables = {}
    token = _offered.set(found)
    try:
        yield found
    finally:
        _offered.reset(token)


def offer(name: str, table: Answer | pa.Table) -> None:
    """Say that the page that is being made has a table; of two of one name the first is kept."""
    found = _offered.get()
    if found is not None:
        found.setdefault(name, table)


def are_collected() -> bool:
    """Whether the page is made for its tables, and nobody sees it."""
    return _offered.get() is not None


def as_arrow(table: Answer | pa.Table) -> pa.Table:
    """An answer as an Arrow table; a column whose values have several types becomes text."""
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    return pa.table({c: _column([row.get(c) for row in table.rows]) for c in table.columns})


def _column(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    if not any(isinstance(value, dict) for value in values):
        try:
            return pa.array([plain(value) for value in values])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass  # an option is a number in one row and a word in another
    return pa.array([None if value is None else str(flat(value)) for value in values], pa.string())
