"""Reads pathways of WikiPathways from GPML: the genes of each drawing, by label or by the ids beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree  # nosec B405 # below

from pharmagraph.ingest.known import Known
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.gmt import GeneSet
from pharmagraph.kg.reading.text import existing, opened, shown, tidy

LARGEST = 64 * 2**20
"""Characters that a drawing may have; those of WikiPathways have less than a million."""

_GENES = frozenset({"geneproduct", "protein", "rna"})
_ID = re.compile(r"WP\d+")


def files(path: Path) -> list[Path]:
    """The GPML files of a folder, or the file itself if it is one; none where it is of another kind.

    Raises
    ------
    InputError
        If there is no such file, or no GPML file in the folder.
    """
    if path.is_dir():
        if found := sorted(path.glob("*.gpml")):
            return found
        raise InputError(f"{path} has no file *.gpml; give a GMT file, a GPML file or a folder of those")
    with opened(existing(path, what="a GMT file, a GPML file or a folder of those is needed")) as file:
        return [path] if re.search(r"<(\w+:)?Pathway[\s>]", file.read(4096)) else []


def gene_sets(paths: list[Path], known: Known) -> Iterator[GeneSet]:
    """One set a drawing; a node is found by its label, or else by the id in its cross-reference.

    Raises
    ------
    InputError
        If a file is no GPML, or declares entities.
    """
    for path in paths:
        root = _root(path)
        found: dict[str, None] = {}
        for node in root.iter():
            if _name(node) == "datanode" and node.get("Type", node.get("type", "")).lower() in _GENES:
                found[_gene(node, known)] = None
        title = tidy(root.get("Name") or root.get("title") or path.stem)
        written = _ID.search(path.stem) or _ID.search(root.get("Version", ""))
        genes = tuple(gene for gene in found if gene)
        yield GeneSet(1, written[0] if written else title, title, "WikiPathways", genes, title)


def _gene(node: ElementTree.Element, known: Known) -> str:
    """The name by which a node is a gene of the graph, or else its label."""
    label = tidy(node.get("TextLabel", node.get("textLabel", "")).replace("\n", " "))
    ids = [x.get("ID") or x.get("identifier") or "" for x in node if _name(x) == "xref"]
    return next((name for name in (label, *ids) if name and known.genes_of([name])[0]), label)


def _root(path: Path) -> ElementTree.Element:
    with opened(path) as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise InputError(f"{shown(path)} has more than {LARGEST:,} characters; it is no drawing of a pathway")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(
            f"{shown(path)} declares entities, which GPML does not have; give the file as it is shipped"
        )
    try:
        root = ElementTree.fromstring(text.removeprefix("\ufeff").encode())  # nosec B314 # no entities (above)
    except ElementTree.ParseError as error:
        raise InputError(f"{shown(path)} is not GPML ({error}); give the file as it is shipped") from None
    if _name(root) != "pathway":
        raise InputError(f"{shown(path)} is not GPML: its root is {root.tag}, not Pathway")
    species = root.get("Organism") or root.get("organism") or "Homo sapiens"
    if species != "Homo sapiens":
        raise InputError(f"{shown(path)} is a pathway of {species}; give one of Homo sapiens")
    return root


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()
