"""Names of nodes: folding, and the index that finds the node that a name or another id means.

Every place where a drug, a gene or a cell line is named looks it up here. The tables of aliases are in
`ingest/names.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pharmagraph.kg import schema
from pharmagraph.kg.errors import AmbiguousNameError, NotFoundError, RowError

if TYPE_CHECKING:
    import pyarrow as pa

    from pharmagraph.kg.store import GraphStore

_MARKS = ("", "-", "/")
_ASCII_PUNCTUATION = {code: None for code in range(128) if not chr(code).isalnum()}
_DASHES = str.maketrans({"‐": "-", "‑": "-", "–": "-", "−": "-", "±": "+-"})
_SIGN = re.compile(r"^[+\-/]+|\([ /]*[+-][+\-/ ]*\)")
_PUNCTUATION = re.compile(r"(?!(?<=\d)\.(?=\d))[\W_]")
_WHOLE_NUMBER = re.compile(r"(\d+)\.0+")
_NCI = re.compile(r"^H\d{2,4}[A-Z]?$")
_CCLE_TISSUE = re.compile(
    r"(?<=[A-Z0-9])_(AUTONOMIC_GANGLIA|BILIARY_TRACT|BONE|BREAST|CENTRAL_NERVOUS_SYSTEM|CERVIX|ENDOMETRIUM|FIBROBLAST"
    r"|HAEMATOPOIETIC_AND_LYMPHOID_TISSUE|KIDNEY|LARGE_INTESTINE|LIVER|LUNG|OESOPHAGUS|OVARY|PANCREAS|PLEURA|PLACENTA"
    r"|PROSTATE|SALIVARY_GLAND|SKIN|SMALL_INTESTINE|SOFT_TISSUE|STOMACH|THYROID|UPPER_AERODIGESTIVE_TRACT|URINARY_TRACT"
    r"|UVEA|MATCHED_NORMAL_TISSUE)\s*$"
)
_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")
_FIRST_BLOCK = re.compile(r"[A-Z]{14}")
_PUBCHEM = re.compile(r"(?:PUBCHEM\W*)?(?:CID\W*)(\d+)", re.IGNORECASE)
_BROAD_BATCH = re.compile(r"(BRD-[A-Z]\d{8})-\d{3}-\d{2}-\d", re.IGNORECASE)
_BESIDE_GENE = re.compile(
    r"(?<=^ENSG\d{11})\.\d+$|(?<=\S)\s*\((?:\d+|ENSG\d{11}(?:\.\d+)?)\)$|(?<=[^|\s])\|\d+$", re.IGNORECASE
)


def fold(name: str) -> str:
    """A name without case and punctuation, so that ``MDA-MB-231`` and ``MDA_MB_231`` are one.

    What tells two things apart stays:

    - A sign in front, or in brackets, as of mirror images: ``(+)-JQ1`` is ``(+)JQ1`` and ``(-)-JQ1`` is ``(-)JQ1``.
    - A point between digits: ``1.5`` is not ``15``. A whole number that went through a spreadsheet as a decimal is
      that number: ``100.0`` is ``100``.

    A name of punctuation alone is only stripped and upper-cased.
    """
    text = name.strip().upper()
    if text.isascii() and text[:1] not in _MARKS and not any(mark in text for mark in ".+("):
        return text.translate(_ASCII_PUNCTUATION) or text  # the common case, without regular expressions
    marked = text.translate(_DASHES)
    sign = "".join(c for found in _SIGN.findall(marked) for c in found if c in "+-")
    rest = _PUNCTUATION.sub("", _SIGN.sub(" ", marked))
    if not rest:
        return text
    number = _WHOLE_NUMBER.fullmatch(rest)
    rest = number.group(1) if number else rest
    return f"({sign}){rest}" if sign else rest


def fold_cell_line(name: str) -> str:
    """`fold`, without the tissue that CCLE's names end with, as ``A375_SKIN``; NCI lines that some sources list as
    ``H1299`` get their prefix back.
    """
    folded = fold(_CCLE_TISSUE.sub("", name) if "_" in name else name)
    return "NCI" + folded if _NCI.match(folded) else folded


def fold_gene(name: str) -> str:
    """`fold`; without the version of an Ensembl id, and without the id in ``EGFR (1956)`` and ``EGFR|1956``."""
    return fold(without_id(name))


def without_id(gene: str) -> str:
    """A gene as a table calls it, without the id beside it, and an Ensembl id without its version."""
    text = gene.strip()
    return _BESIDE_GENE.sub("", text) if "." in text or ")" in text or "|" in text else text


def without_batch(broad_id: str) -> str:
    """A Broad id of a compound without its batch: BRD-K70401845 of BRD-K70401845-003-09-6; other texts as they are."""
    found = _BROAD_BATCH.fullmatch(broad_id.strip())
    return found[1].upper() if found else broad_id


@dataclass(frozen=True)
class _Kind:
    """How nodes of a label are named: the word for messages, further ids among the properties, and the folding."""

    what: str
    ids: tuple[str, ...] = ()
    folding: Callable[[str], str] = fold


PARENT = "parent_inchikey"
"""Property of drugs by which they are found last."""

_KINDS = {
    "Drug": _Kind("drug", ("inchikey", "pubchem_cid")),
    "Gene": _Kind("gene", ("hgnc_id", "entrez_id", "ensembl_id"), fold_gene),
    "CellLine": _Kind(
        "cell line",
        ("cosmic_id", "depmap_id", "cellosaurus_id", "passport_id", "ccle_name"),
        fold_cell_line,
    ),
    "Pathway": _Kind("pathway"),
    "Metabolite": _Kind("metabolite"),
}


@dataclass(frozen=True)
class Names:
    """Finds a node by any of its names.

    Spellings are looked for in this order, and the first that a node has decides: id; name; alias or other id; then,
    folded, id or name; alias or other id; then a code. So a stored spelling that is written exactly wins over any
    folding.

    Attributes
    ----------
    what
        The kind of node for messages, such as ``"drug"``.
    names
        Id → the node's name, then its aliases and other ids; None where it has none.
    folding
        Makes one text of the spellings that mean one node.
    parents
        Id → InChIKey of the parent of a drug that is a salt or a solvate.
    """

    what: str
    names: Mapping[str, Sequence[str | None]]
    folding: Callable[[str], str] = fold
    parents: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """The id of the node that has a name, or None.

        Raises
        ------
        AmbiguousNameError
            If several nodes have it.
        """
        if name in self.names:
            return name
        for ids in self._candidates(name):
            if len(ids) > 1:
                raise AmbiguousNameError(self.what, name, [self._shown(id_) for id_ in ids])
            if ids:
                return ids[0]
        return None

    def has(self, name: str) -> bool:
        """Whether a text is, as it is written, the id or the name of a node."""
        return name in self.names or name in self._named

    def require(self, name: str, advice: str = "see: cli status") -> str:
        """The id of the node that has a name.

        Parameters
        ----------
        name
            As the user typed it.
        advice
            What the message advises if no name is similar.

        Raises
        ------
        NotFoundError
            If there is none; the message offers the nearest names.
        AmbiguousNameError
            If several nodes have it.
        """
        id_ = self.find(name)
        if id_ is None:
            raise self.not_found(name, advice)
        return id_

    def find_in_row(self, file: str, line: int, column: str, name: str) -> str | None:
        """`find` for a row of a file.

        Raises
        ------
        RowError
            If several nodes have the name.
        """
        try:
            return self.find(name.strip())
        except AmbiguousNameError as error:
            raise RowError(file, line, column, name, error.expected) from None

    def not_found(self, name: str, advice: str = "see: cli status", instead: str = "") -> NotFoundError:
        """The error that offers the nearest names; ``instead`` is another way out, which it always names.

        Of an InChIKey, which is a hash, none is near.
        """
        if _INCHIKEY.fullmatch(name):
            return NotFoundError(self.what, name, (), advice, instead)
        own = [n for id_, names in self.names.items() for n in (id_, next(iter(names), None)) if n]
        error = NotFoundError(self.what, name, own, advice, instead)
        return error if error.near else NotFoundError(self.what, name, self._others, advice, instead)

    def starting_with(self, text: str) -> list[str]:
        """Ids of the nodes that have an alias or another id beginning with a text, such as half an InChIKey."""
        found = [id_ for spelling in _beginning_with(self._spellings, text) for id_ in self._others[spelling]]
        found = found or [id_ for key in _beginning_with(self._keys, text) for id_ in self._by_parent[key]]
        return sorted(set(found))

    @cached_property
    def _spellings(self) -> list[str]:
        return sorted(self._others)

    @cached_property
    def _by_parent(self) -> dict[str, list[str]]:
        return _by_spelling((key, id_) for id_, key in self.parents.items())

    @cached_property
    def _keys(self) -> list[str]:
        return sorted(self._by_parent)

    def _candidates(self, name: str) -> Iterator[Sequence[str]]:
        yield self._named.get(name, ())
        yield self._others.get(name, ())
        folded = self.folding(name)
        yield self._folded_named.get(folded, ())
        yield self._folded_others.get(folded, ())
        if self.what == _KINDS["Drug"].what:
            yield self._by_code(name.strip())

    def _by_code(self, text: str) -> Sequence[str]:
        """Drugs by an InChIKey of their parent, the first block of one, PubChem's number, or a batch of a Broad id."""
        if _FIRST_BLOCK.fullmatch(text):
            return self.starting_with(f"{text}-")
        if _INCHIKEY.fullmatch(text):
            return self.starting_with(text)
        number = _PUBCHEM.fullmatch(text)
        return self._others.get(number[1] if number else without_batch(text), ())

    def _shown(self, id_: str) -> str:
        name = next(iter(self.names[id_]), None)
        return f"{id_} ({name})" if name and name != id_ else id_

    @cached_property
    def _named(self) -> dict[str, list[str]]:
        return _by_spelling((next(iter(names), None), id_) for id_, names in self.names.items())

    @cached_property
    def _others(self) -> dict[str, list[str]]:
        return _by_spelling((name, id_) for id_, names in self.names.items() for name in names[1:])

    @cached_property
    def _folded_named(self) -> dict[str, list[str]]:
        return _by_spelling(
            (self.folding(name), id_)
            for id_, names in self.names.items()
            for name in (id_, next(iter(names), None))
            if name
        )

    @cached_property
    def _folded_others(self) -> dict[str, list[str]]:
        return _by_spelling(
            (self.folding(name), id_) for id_, names in self.names.items() for name in names[1:] if name
        )


def _beginning_with(spellings: Sequence[str], text: str) -> Iterator[str]:
    """Those of sorted spellings that begin with a text; a file of compounds asks for thousands."""
    at = bisect_left(spellings, text)
    while at < len(spellings) and spellings[at].startswith(text):
        yield spellings[at]
        at += 1


def _by_spelling(pairs: Iterable[tuple[str | None, str]]) -> dict[str, list[str]]:
    """Spelling → the ids that it may mean, each once."""
    found: dict[str, list[str]] = {}
    for spelling, id_ in pairs:
        if spelling:
            ids = found.setdefault(spelling, [])
            if id_ not in ids:
                ids.append(id_)
    return found


def columns(label: str) -> list[str]:
    """The properties of a label by which its nodes are found, the id first."""
    wanted = ("id", "name", "aliases", *_KINDS[label].ids, PARENT)
    return [p.name for p in schema.node(label).columns if p.name in wanted]


def index(store: GraphStore, label: str) -> Names:
    """The names of all nodes of a label in a store."""
    return _index_of_rows(label, store.node_rows(label, columns(label)))


def index_of(label: str, nodes: pa.Table) -> Names:
    """The names of the nodes of a table that has at least the column ``id``, and those of `columns` that are there."""
    return _index_of_rows(
        label, nodes.select([c for c in columns(label) if c in nodes.column_names]).to_pylist()
    )


def _index_of_rows(label: str, rows: Iterable[Mapping[str, Any]]) -> Names:
    kind, rows = _KINDS[label], list(rows)
    names = {
        row["id"]: [
            row.get("name"),
            *(row.get("aliases") or ()),
            *(str(row[i]) for i in kind.ids if row.get(i) is not None),
        ]
        for row in rows
    }
    parents = {row["id"]: row[PARENT] for row in rows if row.get(PARENT) is not None}
    return Names(kind.what, names, kind.folding, parents)


def find_drug(store: GraphStore, name: str) -> dict[str, Any]:
    """All properties of the drug that has a name, an alias or an id.

    Raises
    ------
    NotFoundError
        If there is none; the message offers the nearest names.
    AmbiguousNameError
        If several drugs have it.
    """
    return find_node(store, "Drug", name)


def find_node(store: GraphStore, label: str, name: str) -> dict[str, Any]:
    """All properties of the drug, the cell line or the gene that has a name, an alias or an id.

    Raises
    ------
    NotFoundError
        If there is none; the message offers the nearest names.
    AmbiguousNameError
        If several nodes have it.
    """
    properties = [p.name for p in schema.node(label).columns]
    returned = ", ".join(f"n.{name} AS {name}" for name in properties)
    by_id = store.rows(f"MATCH (n:{label} {{id: $id}}) RETURN {returned}", {"id": name})
    if by_id:  # an id comes before every other name, and is found without reading all nodes
        return by_id[0]
    rows = {row["id"]: row for row in store.node_rows(label, properties)}
    return rows[_index_of_rows(label, rows.values()).require(name)]
