"""Name folding, and finding a node by any of its names. Alias tables live in `ingest/names.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_NCI = re.compile(r"^H\d{2,4}[A-Z]?$")


def fold(name: str) -> str:
    """A name without case and punctuation, so that ``MDA-MB-231`` and ``MDA_MB_231`` are one.

    Names of nothing but punctuation or of another script fold to themselves, upper-cased.
    """
    folded = "".join(c for c in name.upper() if c.isalnum())
    return folded or name.strip().upper()


def fold_cell_line(name: str) -> str:
    """`fold`, with the NCI lines that some sources list as ``H1299`` given their prefix back."""
    folded = fold(name)
    return "NCI" + folded if _NCI.match(folded) else folded


def find(name: str, names: Mapping[str, Iterable[str | None]]) -> str | None:
    """The id of the node that has a name.

    Parameters
    ----------
    name
        As the user typed it.
    names
        Id → the node's names and aliases; an id itself wins over another node's alias.
    """
    if name in names:
        return name
    wanted = {fold(name), fold_cell_line(name)}
    for id_ in names:
        if fold(id_) in wanted:
            return id_
    for id_, others in names.items():
        if any(other and fold(other) in wanted for other in others):
            return id_
    return None
