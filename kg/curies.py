"""Names nodes for other knowledge graphs: CURIEs of public registries, made of the ids that the store has.

No id is looked up or guessed. A node without an id of a registry, or whose id another node has as well, is named under
the project's own prefix.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pharmagraph.kg.kinds import Property

OWN = "pharmagraph"
"""What the project's own prefixes begin with."""
OWN_IRI = f"urn:{OWN}:"

CURIE = Property("curie", "string", "the node's name in other knowledge graphs", required=True)
XREFS = Property("xrefs", "strings", "its other CURIEs, the project's own last")


@dataclass(frozen=True)
class Registry:
    """A registry of ids.

    Attributes
    ----------
    prefix, iri
        Prefix of its CURIEs, and what an IRI has in its place: as the Biolink model spells them, or else Bioregistry.
    column
        Property of a node with its id; of several texts, those that the pattern fits.
    pattern
        Of an id; its group, where it has one, is what follows the prefix.
    """

    prefix: str
    iri: str
    column: str
    pattern: str


_IDENTIFIERS = "http://identifiers.org/"
REGISTRIES: Mapping[str, Sequence[Registry]] = {
    "Drug": (
        Registry("CHEMBL.COMPOUND", f"{_IDENTIFIERS}chembl.compound/", "aliases", r"CHEMBL\d+"),
        Registry("PUBCHEM.COMPOUND", f"{_IDENTIFIERS}pubchem.compound/", "pubchem_cid", r"\d+"),
        Registry("INCHIKEY", f"{_IDENTIFIERS}inchikey/", "inchikey", r"[A-Z]{14}-[A-Z]{10}-[A-Z]"),
        Registry("DRUGBANK", f"{_IDENTIFIERS}drugbank/", "aliases", r"DB\d{5}"),
    ),
    "Gene": (
        Registry("HGNC", f"{_IDENTIFIERS}hgnc/", "hgnc_id", r"HGNC:(\d+)"),
        Registry("NCBIGene", f"{_IDENTIFIERS}ncbigene/", "entrez_id", r"\d+"),
        Registry("ENSEMBL", f"{_IDENTIFIERS}ensembl/", "ensembl_id", r"ENSG\d{11}"),
    ),
    "CellLine": (
        Registry("cellosaurus", f"{_IDENTIFIERS}cellosaurus/", "cellosaurus_id", r"CVCL_[A-Z0-9]{4}"),
        Registry("depmap", "https://depmap.org/portal/cell_line/", "depmap_id", r"ACH-\d{6}"),
    ),
    "Pathway": (Registry("GO", "http://purl.obolibrary.org/obo/GO_", "id", r"GO:(\d{7})"),),
}
"""Label → the registries that name its nodes, the preferred one first."""


def own(kind: str, id_: str) -> str:
    """The CURIE under the project's own prefix, as ``pharmagraph.gene:EGFR``; signs that a CURIE lacks are %-coded."""
    return f"{OWN}.{kind.lower()}:{quote(id_, safe='-._~')}"


def of_nodes(label: str, rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The CURIEs of all nodes of a label, the name of each first and the project's own last.

    An id that several nodes have, such as the structure of two samples of a drug, names none of them.
    """
    known = [list(_known(label, row)) for row in rows]
    shared = Counter(curie for curies in known for curie in set(curies))
    found = []
    for row, curies in zip(rows, known, strict=True):
        unique = [curie for curie in curies if shared[curie] == 1]
        several = [curie for curie in curies if shared[curie] > 1]
        ours = own(label, row["id"])
        found.append([unique[0], *unique[1:], *several, ours] if unique else [ours, *several])
    return found


def columns(label: str) -> list[str]:
    """The properties that `of_nodes` reads."""
    return list(dict.fromkeys(["id", *(r.column for r in REGISTRIES.get(label, ()))]))


def iri(curie: str) -> str:
    """What a CURIE of `of_nodes` or `own` stands for."""
    prefix, _, local = curie.partition(":")
    return _IRIS[prefix] + local if prefix in _IRIS else f"{OWN_IRI}{prefix.removeprefix(f'{OWN}.')}:{local}"


def _known(label: str, row: Mapping[str, Any]) -> Iterator[str]:
    for registry in REGISTRIES.get(label, ()):
        value = row[registry.column]
        texts = value if isinstance(value, list) else [] if value is None else [str(value)]
        ids = [found for text in texts if (found := re.fullmatch(registry.pattern, text))]
        if len(ids) == 1:  # a drug with two ids of a registry is a mixture, or one of them is of its salt
            yield f"{registry.prefix}:{ids[0][ids[0].re.groups]}"


_IRIS = {r.prefix: r.iri for registries in REGISTRIES.values() for r in registries}
