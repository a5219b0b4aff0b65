"""Addresses of the explorer's pages, made and read; every page is a function of its address and the store."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode

PAGE_OF = {
    "Drug": "drug",
    "Gene": "gene",
    "CellLine": "cell-line",
    "Pathway": "pathway",
    "Tissue": "tissue",
}
"""Kind of thing → first part of its page's address."""


def address(*parts: str, **given: object) -> str:
    """``/drug/ERLOTINIB?run=…``: parts of the path, and parameters; those that are None or empty are left out."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    wanted = {name: str(value) for name, value in given.items() if value not in (None, "")}
    return path + (f"?{urlencode(wanted)}" if wanted else "")


def page_of(kind: str, id_: str) -> str:
    """The address of a drug, gene, cell line, pathway or tissue."""
    return address(PAGE_OF[kind], id_)


def read(path: str | None, query: str | None) -> tuple[list[str], Mapping[str, str]]:
    """The parts of a path and the parameters of an address; of a parameter that is given twice, the last."""
    parts = [unquote(part) for part in (path or "/").split("/") if part]
    given = parse_qsl((query or "").removeprefix("?"), keep_blank_values=False)
    return parts, {name: value.strip() for name, value in given if value.strip()}
