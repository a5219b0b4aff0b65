"""Gives the graph's cell lines the ids, names and known problems that a file lists; it adds no cell line.

A line of the file is a line of the graph by any id that the graph stores, or else by its name, or else by a synonym.
What does not fit together is named and counted, and the stored value stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.names import cell_line_id, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources.cell_line_files import ID_FORMS, Identity, read_identities
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.text import shown, stem

_WAYS = ("id", "name", "synonym")

Line = dict[str, Any]
"""A CellLine node: property → value."""


def read(path: Path, stored: pa.Table, rejections: Rejections, *, name: str | None = None) -> Bundle:
    """Read a file of identities into a bundle.

    Parameters
    ----------
    path
        The model list of Cell Model Passports, DepMap's Model.csv or sample_info.csv, or Cellosaurus as text.
    stored
        All cell lines of the graph with all their properties.
    rejections
        Collects clashes, and ids of another form than theirs; they never stop a load.
    name
        Id of the dataset; by default the file's name.

    Raises
    ------
    InputError
        If the file is none of these, or names no cell line of the graph.
    """
    name = name or stem(path)
    identities = read_identities(path, rejections)
    lines: dict[str, Line] = {row["id"]: row for row in stored.to_pylist()}
    clashes = _Clashes(shown(path), rejections)
    matched = _matched(identities, lines, clashes)
    if not matched:
        raise InputError(
            f"{shown(path)} names no cell line of the graph ({', '.join(i.shown for i in identities[:3])}, …); "
            "load a screen first: cli ingest gdsc"
        )
    shared = _shared(identities)
    others = _aliases_of_one_line(matched, lines)
    rows = [
        _filled(lines[cell], identity, shared, others, clashes)
        for cell, (identity, _) in sorted(matched.items())
    ]
    by_way = Counter(way for _, way in matched.values())
    ways = ", ".join(f"{by_way[way]:,} by {way}" for way in _WAYS if by_way[way])
    found = {id(identity) for identity, _ in matched.values()}
    notes = (
        f"{len(matched):,} of the graph's {len(lines):,} cell lines are in the file: {ways}",
        *unmatched_note(
            "cell lines of the graph", [lines[c]["name"] for c in lines if c not in matched], "are not in the file"
        ),
        f"lines of the file that are not in the graph, and are not added: {len(identities) - len(found):,}",
        *unmatched_note(
            "cell lines", [r["name"] for r in rows if r["problem"]], "are known to be misidentified or contaminated"
        ),
        *unmatched_note("values", clashes.named, "clash, and are left as they were"),
    )  # fmt: skip
    columns = ["id", "name", "aliases", "tissue", "problem", *ID_FORMS]
    nodes = {"CellLine": assemble.node_table("CellLine", {c: [row[c] for row in rows] for c in columns})}
    card = DatasetCard(name, path.name, sha256=checksum(path))
    return Bundle(name, (card,), nodes, {}, tuple(rejections.rejected), notes)


class _Clashes:
    """Collects what does not fit together, by place and by name."""

    def __init__(self, file: str, rejections: Rejections) -> None:
        self._file, self._rejections = file, rejections
        self.named: list[str] = []

    def add(self, identity: Identity, value: str, reason: str) -> None:
        """Note a clash; ``reason`` is the end of a sentence that begins with the value."""
        clash = f"{value} {reason}"
        self.named.append(clash)
        self._rejections.set_aside(
            "CellLine", self._file, identity.line, clash, "clash: left as it was", rows=1
        )


def _matched(
    identities: Sequence[Identity], lines: Mapping[str, Line], clashes: _Clashes
) -> dict[str, tuple[Identity, str]]:
    """Id of a cell line → its identity in the file, and one of `_WAYS`.

    Two identities for one line in the same way match nothing; a better way takes the line.
    """
    owner = {
        (property_, str(line[property_])): cell
        for cell, line in lines.items()
        for property_ in ID_FORMS
        if line[property_] is not None
    }
    by_name = _index(lines, lambda line: [line["name"], line["id"]])
    by_alias = _index(lines, lambda line: [line["name"], line["id"], *(line["aliases"] or ())])
    matched: dict[str, tuple[Identity, str]] = {}
    left = []
    claims: dict[str, list[Identity]] = {}
    for identity in identities:
        cells = {owner[p, v] for p, values in identity.ids.items() for v in values if (p, v) in owner}
        if len(cells) > 1:
            clashes.add(identity, identity.shown, f"has ids of {' and '.join(sorted(cells))}")
        elif cells:
            claims.setdefault(cells.pop(), []).append(identity)
        else:
            left.append(identity)
    _settle(claims, "id", matched, clashes)
    for way in _WAYS[1:]:
        claims, rest = {}, []
        for identity in left:
            if way == "name":
                cells = by_name.get(cell_line_id(identity.name), set()) if identity.name else set()
            else:
                names = [n for n in (identity.name, *identity.synonyms) if n]
                cells = {c for n in names for c in by_alias.get(cell_line_id(n), ())} - matched.keys()
            other = {c: _other_id(lines[c], identity) for c in cells}
            cell = next(iter(cells)) if len(cells) == 1 else None
            if cell is None:
                rest.append(identity)
            elif cell in matched:
                row = matched[cell][0].line
                clashes.add(identity, identity.shown, f"has the name of {cell}, whose id is in row {row}")
            elif reason := other[cell]:
                if way == "name":
                    clashes.add(identity, identity.shown, f"has the name of {cell}, but {reason}")
            else:
                claims.setdefault(cell, []).append(identity)
        _settle(claims, way, matched, clashes)
        left = rest
    return matched


def _settle(
    claims: Mapping[str, list[Identity]],
    way: str,
    matched: dict[str, tuple[Identity, str]],
    clashes: _Clashes,
) -> None:
    for cell, identities in claims.items():
        if len(identities) == 1:
            matched[cell] = (identities[0], way)
            continue
        rows = " and ".join(str(i.line) for i in identities)
        for identity in identities:
            clashes.add(identity, identity.shown, f"is {cell} by {way}, and so are rows {rows}")


def _other_id(line: Line, identity: Identity) -> str | None:
    """The first id in which a stored line and an identity differ, as the end of a sentence."""
    for property_, values in identity.ids.items():
        if line[property_] is not None and str(line[property_]) not in values:
            return f"{property_} {' or '.join(values)} where {line[property_]} is stored"
    return None


def _index(lines: Mapping[str, Line], names: Any) -> dict[str, set[str]]:
    """Folded name → cell lines that have it."""
    found: dict[str, set[str]] = {}
    for cell, line in lines.items():
        for one in names(line):
            found.setdefault(cell_line_id(one), set()).add(cell)
    return found


def _shared(identities: Iterable[Identity]) -> dict[tuple[str, str], int]:
    """Ids that several rows of the file give, and how many rows."""
    counts = Counter((p, v) for i in identities for p, values in i.ids.items() for v in values)
    return {key: n for key, n in counts.items() if n > 1}


def _aliases_of_one_line(
    matched: Mapping[str, tuple[Identity, str]], lines: Mapping[str, Line]
) -> dict[str, set[str]]:
    """Folded name → the lines of the graph that have it now, or would have it."""
    found = _index(lines, lambda line: [line["name"], line["id"], *(line["aliases"] or ())])
    for cell, (identity, _) in matched.items():
        for one in (identity.name, *identity.synonyms):
            if one:
                found.setdefault(cell_line_id(one), set()).add(cell)
    return found


def _filled(
    line: Line,
    identity: Identity,
    shared: Mapping[tuple[str, str], int],
    names: Mapping[str, set[str]],
    clashes: _Clashes,
) -> Line:
    """The line with what the file adds to it."""
    new = {c: line[c] for c in ("id", "name")}
    for property_ in ID_FORMS:
        values, old = identity.ids.get(property_, ()), line[property_]
        new[property_] = old
        if old is not None:
            if values and str(old) not in values:
                clashes.add(
                    identity, line["name"], f"has {property_} {old}, and {' or '.join(values)} in the file"
                )
        elif len(values) == 1:
            if n := shared.get((property_, values[0])):
                clashes.add(identity, f"{property_} {values[0]}", f"is in {n} rows of the file")
            else:
                new[property_] = int(values[0]) if property_ == "cosmic_id" else values[0]
        elif values:
            clashes.add(identity, line["name"], f"has several {property_} in the file ({', '.join(values)})")
    new["tissue"] = line["tissue"] or identity.tissue
    new["problem"] = line["problem"] or identity.problem
    known = {line["name"], line["id"]}
    given = {n for n in (identity.name, *identity.synonyms) if n} - known
    for one in sorted(given):
        if len(names[cell_line_id(one)]) > 1 and one not in (line["aliases"] or ()):
            same = " and ".join(sorted(names[cell_line_id(one)]))
            clashes.add(identity, one, f"would be a name of {same}")
            given.discard(one)
    new["aliases"] = sorted({*given, *(line["aliases"] or ())}) or None
    return new
