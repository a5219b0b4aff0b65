"""Finds drugs, genes, cell lines, tissues and pathways by any of their names, with typing errors.

Which node a name means exactly is decided in `kg.names`; this module ranks all that a text may mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pharmagraph.kg import names
from pharmagraph.kg.kept import kept
from pharmagraph.kg.names import Names, fold
from pharmagraph.kg.store import GraphStore

KINDS = ("Drug", "Gene", "CellLine", "Tissue", "Pathway")
"""In the order in which equally good hits are shown."""
LONGEST = 200
"""Characters of a text that are looked for."""
LEAST_ALIKE = 0.4
"""Dice's coefficient of the triples of letters from which a spelling counts as a typing error."""


@dataclass(frozen=True)
class Hit:
    """Something that a text may mean.

    Attributes
    ----------
    kind
        One of `KINDS`.
    id, name
        Of the node; of a tissue both are its name.
    spelling
        The name, alias or id by which it was found.
    exact
        Whether the text is that spelling, but for case and punctuation.
    """

    kind: str
    id: str
    name: str
    spelling: str
    exact: bool


@dataclass(frozen=True)
class _Entry:
    kind: str
    id: str
    name: str
    spelling: str
    folded: str
    is_alias: bool


class SearchIndex:
    """All spellings of everything that can be found.

    Parameters
    ----------
    known
        Kind → the names of its nodes.
    """

    def __init__(self, known: Mapping[str, Names]) -> None:
        self._folding = {kind: of_kind.folding for kind, of_kind in known.items()}
        self._entries = [
            _Entry(kind, id_, own[0] or id_ if own else id_, spelling, of_kind.folding(spelling), alias)
            for kind, of_kind in known.items()
            for id_, own in of_kind.names.items()
            for spelling, alias in _spellings(id_, own)
        ]

    def find(self, text: str, limit: int = 20) -> list[Hit]:
        """The best hits first: exact spellings, then beginnings, then parts, then typing errors; no node twice."""
        text = text.strip()[:LONGEST]
        if not text:
            return []
        asked = {kind: folding(text) for kind, folding in self._folding.items()}
        ranked = sorted(
            (
                (_tier(asked[e.kind], e), KINDS.index(e.kind), len(e.folded), e.name, n)
                for n, e in enumerate(self._entries)
                if asked[e.kind] in e.folded
            )
        )
        found = self._first((self._entries[row[-1]] for row in ranked), asked, limit)
        if not found:
            found = self._first(self._alike(fold(text)), asked, limit)
        return found

    def _first(self, entries: Iterable[_Entry], asked: Mapping[str, str], limit: int) -> list[Hit]:
        found: dict[tuple[str, str], Hit] = {}
        for e in entries:
            found.setdefault((e.kind, e.id), Hit(e.kind, e.id, e.name, e.spelling, e.folded == asked[e.kind]))
            if len(found) == limit:
                break
        return list(found.values())

    def _alike(self, asked: str) -> list[_Entry]:
        """Entries whose triples of letters are most like those of a text."""
        triples = _triples(asked)
        shared = Counter(n for triple in triples for n in self._by_triple.get(triple, ()))
        scored = []
        for n, common in shared.items():
            alike = 2 * common / (len(triples) + len(_triples(self._entries[n].folded)))
            if alike >= LEAST_ALIKE:
                scored.append((-alike, self._entries[n].is_alias, self._entries[n].name, n))
        return [self._entries[row[-1]] for row in sorted(scored)]

    @cached_property
    def _by_triple(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for n, entry in enumerate(self._entries):
            for triple in _triples(entry.folded):
                found.setdefault(triple, []).append(n)
        return found


def index(graph: GraphStore) -> SearchIndex:
    """The index of a store, read anew when its data sets change."""
    return kept(graph, "search", lambda: SearchIndex(_known(graph)))


def _known(graph: GraphStore) -> dict[str, Names]:
    known = {label: names.index(graph, label) for label in ("Drug", "Gene", "CellLine", "Pathway")}
    tissues = {row["tissue"] for row in graph.node_rows("CellLine", ["tissue"]) if row["tissue"]}
    return known | {"Tissue": Names("tissue", dict.fromkeys(sorted(tissues), ()))}


def _spellings(id_: str, own: Iterable[str | None]) -> list[tuple[str, bool]]:
    first, *others = [*own] or [None]
    spellings = {id_: False} | ({first: False} if first else {})
    return list((dict.fromkeys((o for o in others if o), True) | spellings).items())


def _tier(asked: str, entry: _Entry) -> int:
    whole, begins = entry.folded == asked, entry.folded.startswith(asked)
    return (0 if whole else 2 if begins else 4) + entry.is_alias


def _triples(folded: str) -> set[str]:
    padded = f"  {folded} "
    return {padded[n : n + 3] for n in range(len(padded) - 2)}
