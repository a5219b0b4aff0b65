"""Finds the node that a name in a file means, by folding and by tables of aliases, and reports names without a match.

The folding is in `kg.names`; the aliases are in ``sources/drug_aliases.csv`` and ``sources/cell_line_aliases.csv``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

from pharmagraph.kg.errors import shortened
from pharmagraph.kg.names import fold, fold_cell_line

_SYMBOL = re.compile(r"^[A-Z0-9][A-Za-z0-9]*([-._/@][A-Za-z0-9]+)*@?$")
_SHOWN = 8
_LONGEST = 200
"""Characters of a name that a sentence shows; some are sentences themselves."""
_FOLDING = {"drug": fold, "cell_line": fold_cell_line}

DISTINCT = {
    "drug": {
        "NUTLIN-3A (-)": "NUTLIN3A",
        "(-)-PARTHENOLIDE": "PARTHENOLIDE",
        "(+)-CAMPTOTHECIN": "CAMPTOTHECIN",
    },
    "cell_line": {
        "KMH-2": "KMH2THYROID",
        "T-T": "TTOESOPHAGUS",
        "T.T": "TTOESOPHAGUS",
        "TT_OESOPHAGUS": "TTOESOPHAGUS",
        "KMH2_THYROID": "KMH2THYROID",
        "IOSE-364(-)": "IOSE364",
        "IOSE-523(-)": "IOSE523",
    },
}
"""Spellings, in capitals, that have another id than folding gives.

KMH-2 (thyroid) and KM-H2 (Hodgkin lymphoma) differ by a hyphen alone, as do T-T (oesophagus) and TT (medullary
thyroid); the folded names are the ids of the other two. Of Nutlin-3a, parthenolide and camptothecin one mirror image is
used, and of the two IOSE lines one form, so the sign tells nothing apart."""


def drug_id(name: str) -> str:
    """The id of a drug: by `DISTINCT`, by the alias table, or else the folded name."""
    return _id("drug", name)


def cell_line_id(name: str) -> str:
    """The id of a cell line: by `DISTINCT`, by the alias table, or else the folded name."""
    return _id("cell_line", name)


def _id(kind: str, name: str) -> str:
    distinct = DISTINCT[kind].get(name.strip().upper())
    if distinct is not None:
        return distinct
    folded = _FOLDING[kind](name)
    return _aliases(kind).get(folded, folded)


def is_gene_symbol(text: str) -> bool:
    """Whether a text has the form of an HGNC symbol; not whether the gene exists."""
    return _SYMBOL.match(text) is not None and any(c.isalpha() for c in text) and len(text) <= 32


def aliases_of(id_: str, *, kind: str) -> list[str]:
    """The aliases of an id in the alias table; ``kind`` is ``drug`` or ``cell_line``."""
    return list(_names_by_id(kind).get(id_, ()))


def is_known_drug(name: str) -> bool:
    """Whether the alias table has a drug of a name."""
    folded = fold(name)
    return folded in _aliases("drug") or folded in _names_by_id("drug")


def preferred_name(name: str, *, kind: str) -> str:
    """The name that the alias table prefers to this one, or else the name itself."""
    return _preferred(kind).get(_FOLDING[kind](name), name)


def unmatched_note(what: str, names: Iterable[str], consequence: str) -> tuple[str, ...]:
    """A sentence that reports names without a match by number and by name; no sentence if all matched.

    The sentence is ``what``, a plural, followed by "that" and ``consequence``.
    """
    names = sorted(set(names))
    if not names:
        return ()
    shown = ", ".join(shortened(name, _LONGEST) for name in names[:_SHOWN]) + (
        ", …" if len(names) > _SHOWN else ""
    )
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
    folding = _FOLDING[kind]
    return {folding(alias): folding(name) for name, alias in _rows(kind)}


@cache
def _preferred(kind: str) -> dict[str, str]:
    folding = _FOLDING[kind]
    return {folding(alias): name for name, alias in _rows(kind)}


@cache
def _names_by_id(kind: str) -> dict[str, tuple[str, ...]]:
    names: dict[str, set[str]] = {}
    for name, alias in _rows(kind):
        names.setdefault(_id(kind, name), set()).add(alias)
    return {id_: tuple(sorted(found)) for id_, found in names.items()}
