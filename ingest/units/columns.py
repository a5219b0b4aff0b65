"""Finds columns whose name says a unit, as ``IC50 (nM)`` does, in the place of a column of a contract."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from pharmagraph.ingest.units import shares
from pharmagraph.ingest.units.concentrations import LOGS, Named, folded, logarithm, named
from pharmagraph.ingest.units.shares import Share
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.header import Header

_IC50 = re.compile(rf"(?P<log>{LOGS}|p)?[\s_(\[]*ic[\s_-]?50[\s_)\]]*(?P<rest>.*)")
_BRACKETS = re.compile(r"^[\s_(\[]*(?:in\s)?|[\s_)\]]*$")
_AUC = re.compile(r"(?P<before>percent|pct|fraction)?auc(?P<after>percent|pct|fraction)?")
_SCALES: dict[str, tuple[str, ...]] = {
    "": ("value", "expression"),
    "z": ("z", "zscore"),
    "tpm": ("tpm",),
    "counts": ("counts", "count", "expectedcount", "expectedcounts", "readcount", "readcounts", "numreads"),
    "linear": ("fpkm", "rpkm", "intensity"),
    "log2": ("log2", *(f"{log}{unit}{one}" for log in ("log", "log2") for unit in ("tpm", "fpkm", "rpkm", "cpm")
                       for one in ("", "1"))),
}  # fmt: skip
_SCALE_OF = {word: scale for scale, words in _SCALES.items() for word in words}


def ic50(name: str) -> Named | None:
    """The unit that the name of a column of IC50s says, all of it or less; None of another column."""
    found = _IC50.fullmatch(folded(name))
    if found is None:
        return None
    front, rest = found["log"], _BRACKETS.sub("", found["rest"])
    own = Named("-log10", "m") if front == "p" else Named(logarithm(front), None)
    if not rest:
        return own
    said = named(rest)
    if said is None or (own.log and said.log not in ("", None, own.log)):
        return None
    return Named(own.log or said.log, said.unit or own.unit)


def auc(name: str) -> tuple[Share | None] | None:
    """The unit that the name of a column of areas says, in a tuple; None of another column."""
    found = _AUC.fullmatch(shares.folded(name))
    return None if found is None else (shares.by_word(found["before"] or found["after"]),)


def expression(name: str) -> str | None:
    """The scale that the name of a column of expression says, empty where it says none; None of another column."""
    words = shares.folded(name)
    return _SCALE_OF.get(words, _SCALE_OF.get(words.removeprefix("value").removeprefix("expression")))


def is_expected(name: str) -> bool:
    """Whether a column is one of expected counts, which need not be whole."""
    return shares.folded(name).startswith("expected")


_STANDS_FOR: dict[str, Callable[[str], bool]] = {
    "ln_ic50": lambda name: ic50(name) is not None,
    "auc": lambda name: auc(name) is not None,
    "value": lambda name: expression(name) is not None,
}


def stands_for(column: str, name: str) -> bool:
    """Whether a column of a name may be a contract's column in a unit of its own."""
    return column in _STANDS_FOR and _STANDS_FOR[column](name)


def called(header: Header, columns: Iterable[str]) -> dict[str, str]:
    """Column of a contract that a table lacks → the name of the one that it has instead.

    Raises
    ------
    InputError
        If there are several.
    """
    found: dict[str, str] = {}
    for column in columns:
        if header.has(column):
            continue
        names = [name for name in header.names if stands_for(column, name)]
        if len(names) > 1:
            raise InputError(
                f"{header.place}: {' and '.join(names)} may each be {column}; keep one, or call it {column}"
            )
        if names:
            found[column] = names[0]
    return found
