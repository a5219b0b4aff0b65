"""Finds the node that a name in a file means, by folding and by tables of aliases, and reports names without a match.

The folding is in `kg.names`; the aliases are in ``sources/drug_aliases.csv`` and ``sources/cell_line_aliases.csv``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources

from pharmagraph.kg.names import fold, fold_cell_line

_SYMBOL = re.compile(r"^[A-Z0-9][A-Za-z0-9]*([-._/@][A-Za-z0-9]+)*@?$")
_SHOWN = 8

DISTINCT = {"KMH-2": "KMH2THYROID", "T-T": "TTOESOPHAGUS", "T.T": "TTOESOPHAGUS"}
"""Cell lines whose name differs from another's by a hyphen alone: KMH-2 (thyroid) and KM-H2 (Hodgkin lymphoma), T-T
(oesophagus) and TT (medullary thyroid). These spellings have ids of their own; the folded names are the other two."""


def drug_id(name: str) -> str:
    """The id of a drug: by the alias table, or else the folded name."""
    folded = fold(name)
    return _aliases("drug").get(folded, folded)


def cell_line_id(name: str) -> str:
    """The id of a cell line: by `DISTINCT`, by the alias table, or else the folded name."""
    distinct = DISTINCT.get(name.strip().upper())
    if distinct is not None:
        return distinct
    folded = fold_cell_line(name)
    return _aliases("cell_line").get(folded, folded)


def is_gene_symbol(text: str) -> bool:
    """Whether a text has the form of an HGNC symbol; not whether the gene exists."""
    return _SYMBOL.match(text) is not None and any(c.isalpha() for c in text) and len(text) <= 32


def aliases_of(id_: str, *, kind: str) -> list[str]:
    """The aliases of an id in the alias table; ``kind`` is ``drug`` or ``cell_line``."""
    return list(_names_by_id(kind).get(id_, ()))


def preferred_name(name: str, *, kind: str) -> str:
    """The name that the alias table prefers to this one, or else the name itself."""
    folded = fold(name) if kind == "drug" else fold_cell_line(name)
    return _preferred(kind).get(folded, name)


class Matcher:
    """Finds the graph's nodes by the names that a file uses.

    Parameters
    ----------
    known
        Id → names and aliases of the nodes in the graph.
    id_of
        `drug_id` or `cell_line_id`.
    """

    def __init__(self, known: Mapping[str, Iterable[str | None]], id_of: Callable[[str], str]) -> None:
        self._id_of = id_of
        self._ids = set(known)
        self._by_name: dict[str, str] = {}
        for id_, names in known.items():
            for name in names:
                if name:
                    self._by_name.setdefault(id_of(name), id_)

    def find(self, name: str) -> str | None:
        """The id of the node, or None."""
        if name in self._ids:
            return name
        id_ = self._id_of(name)
        return id_ if id_ in self._ids else self._by_name.get(id_)


def unmatched_note(what: str, names: Iterable[str], consequence: str) -> tuple[str, ...]:
    """A sentence that reports names without a match by number and by name; no sentence if all matched.

    The sentence is ``what``, a plural, followed by "that" and ``consequence``.
    """
    names = sorted(set(names))
    if not names:
        return ()
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return (f"{what} that {consequence}: {len(names):,} ({shown})",)


@cache
def _rows(kind: str) -> tuple[tuple[str, str], ...]:
    """The rows of the alias table: preferred name and alias."""
    text = (
        resources.files("pharmagraph.ingest.sources")
        .joinpath(f"{kind}_aliases.csv")
        .read_text(encoding="utf-8")
    )
    return tuple((row["name"], row["alias"]) for row in csv.DictReader(text.splitlines()))


@cache
def _aliases(kind: str) -> dict[str, str]:
    folding = fold if kind == "drug" else fold_cell_line
    return {folding(alias): folding(name) for name, alias in _rows(kind)}


@cache
def _preferred(kind: str) -> dict[str, str]:
    folding = fold if kind == "drug" else fold_cell_line
    return {folding(alias): name for name, alias in _rows(kind)}


@cache
def _names_by_id(kind: str) -> dict[str, tuple[str, ...]]:
    id_of = drug_id if kind == "drug" else cell_line_id
    names: dict[str, set[str]] = {}
    for name, alias in _rows(kind):
        names.setdefault(id_of(name), set()).add(alias)
    return {id_: tuple(sorted(found)) for id_, found in names.items()}
