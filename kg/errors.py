"""The tree of errors; every message is one line that names the value, the place and the way out.

PharmagraphError                what `cli` turns into one line and exit code 1
├── InputError                  a file, a row or a value that the user gave
│   ├── RowError                one row of one file: file, row, column, value
│   ├── NothingLeftError        a load of which no row is left, with the rejected rows
│   └── DownloadError           a public package that cannot be fetched, or has another checksum
├── StoreError                  the graph database
│   ├── StoreLockedError        another process has the file open for writing
│   ├── StoreFullError          the disk is full, or the server's memory limit is reached
│   ├── StoreUnavailableError   no server, wrong port, wrong password, wrong database
│   ├── SchemaVersionError      a store written by a newer or an older schema
│   └── QueryError              Cypher that the engine refused, or that would write
├── NotFoundError               no drug, gene, cell line, run or query has this name
├── AmbiguousNameError          several drugs, genes or cell lines have this name
├── ServiceUnavailableError     a public service that does not answer, such as PubMed
├── ModelError                  a network, preset or run that cannot do what was asked
│   └── UnknownPresetError      a preset that is neither shipped nor a file
└── ShapeError                  (also a ValueError) tensors or arrays that do not fit together
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

TOO_LONG = "the query took too long and was stopped; narrow it down"
"""What a QueryError says of a query that reached its limit of time."""
TOO_LARGE = "the query needs too much memory and was stopped; narrow it down"
"""What a QueryError says of a query that reached its limit of memory."""
_LONGEST = 60
"""Characters of a user's text that a message repeats."""


class PharmagraphError(Exception):
    """Base of every error that the user can fix; `str(error)` is the line that the user sees."""


class InputError(PharmagraphError):
    """A file, a row or a value that the user gave."""


class RowError(InputError):
    """One bad row: where it is, what it holds, what was expected.

    Parameters
    ----------
    file, row, column
        The place; ``row`` is the line number in a text editor, so the header is row 1.
    value
        The value in that cell; the message shows only the ends of a long one.
    expected
        The end of the sentence, such as ``"is not 0, 1 or empty"``.
    """

    def __init__(self, file: str, row: int | None, column: str | None, value: object, expected: str) -> None:
        place = str(file)
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column {column}"
        super().__init__(f'{place}: "{shortened(str(value))}" {expected}.')
        self.file, self.row, self.column, self.value, self.expected = file, row, column, value, expected


class NothingLeftError(InputError):
    """A load that ends because of rows that were rejected.

    Parameters
    ----------
    message
        What is lacking, and what was rejected.
    name
        Name of the load, and of a file of its rejected rows.
    rejected
        The rejected rows, as the load collected them.
    """

    def __init__(self, message: str, name: str, rejected: Sequence[Any]) -> None:
        super().__init__(message)
        self.name, self.rejected = name, tuple(rejected)


class DownloadError(InputError):
    """A public package that could not be fetched, or whose checksum is not the recorded one."""


class StoreError(PharmagraphError):
    """The graph database."""


class StoreLockedError(StoreError):
    """Another process has the store open for writing."""


class StoreFullError(StoreError):
    """The disk is full, or the server's memory limit is too low for what was to be written."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached or refuses the caller."""


class SchemaVersionError(StoreError):
    """The store was written by another version of the schema."""


class QueryError(StoreError):
    """Cypher that the engine refused, a missing parameter, or a query that would write."""


class NotFoundError(PharmagraphError):
    """A name that the graph does not have; the message offers the nearest ones.

    Parameters
    ----------
    what
        The kind of thing, such as ``"drug"``.
    name
        The name that was asked for.
    known
        All names in the graph, from which the nearest are offered.
    advice
        The way out if no name is near.
    instead
        Another way out, which the message always names.
    """

    def __init__(
        self, what: str, name: str, known: Iterable[str] = (), advice: str = "", instead: str = ""
    ) -> None:
        folded = {k.casefold(): k for k in known}
        asked = name.casefold()[:_LONGEST]
        longer = sorted(
            k for k in folded if len(asked) > 2 and k.startswith(f"{asked} ")
        )  # a salt, a mirror image
        near = [folded[k] for k in (longer or difflib.get_close_matches(asked, folded, n=3, cutoff=0.6))[:3]]
        message = f'no {what} "{shortened(name)}" in the graph'
        if instead:
            message += f"; {instead}"
        if near:
            message += "; did you mean " + ", ".join(near) + "?"
        elif advice and not instead:
            message += f"; {advice}"
        super().__init__(message)
        self.what, self.name, self.near = what, name, near


class AmbiguousNameError(PharmagraphError):
    """A name that several nodes have; the message lists them.

    Parameters
    ----------
    what
        The kind of thing, such as ``"cell line"``.
    name
        The name that was asked for.
    candidates
        Ids of the nodes, each with its name.

    Attributes
    ----------
    expected
        The end of the sentence, for a `RowError`.
    """

    def __init__(self, what: str, name: str, candidates: Sequence[str]) -> None:
        self.expected = f"may be any of {some(list(candidates))}; give an id, which stands first in each"
        super().__init__(f'{what} "{shortened(name)}" {self.expected}')
        self.what, self.name, self.candidates = what, name, tuple(candidates)


class ServiceUnavailableError(PharmagraphError):
    """A public service that did not answer after several tries; its earlier answers are kept."""


class ModelError(PharmagraphError):
    """A network, preset or run that cannot do what was asked."""


class UnknownPresetError(ModelError):
    """A preset that is neither one of the shipped ones nor the path of a file."""


class ShapeError(ModelError, ValueError):
    """Tensors or arrays whose shapes or types do not fit together; the message names the argument."""


def some(names: list[str]) -> str:
    """The first five names, and the number of the others."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def shortened(text: str, longest: int = _LONGEST) -> str:
    """A text, or its beginning and its end around an ellipsis where it is too long."""
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - 1]}…{text[-end:]}"


def bytes_said(size: int) -> str:
    """A number of bytes in the unit that suits it: "3.2 GB", "40.5 MB", "1.5 kB", and "12 bytes"."""
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= of:
            return f"{size / of:,.1f} {unit}"
    return f"{size} bytes"


def none_of(n: int, noun: str, verb: str, *, of: str = "the") -> str:
    """The beginning of a sentence: "none of the 3 genes is", and of one thing "the only gene is not"."""
    if n == 1:
        return f"{'the' if of == 'the' else of} only {noun} {verb} not"
    return f"none of {of} {n:,} {noun}s {verb}"
