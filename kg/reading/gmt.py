"""Reads gene sets from GMT, which has no header: a line has a set's name, a description, and its genes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pharmagraph.kg.reading.text import opened, tidy

REGISTRIES = ("GO", "REAC", "KEGG", "WP", "HP", "MP", "CORUM", "MIRNA", "TF", "HPA", "DOID", "MONDO", "SMPDB")
"""Prefixes of registries, with which an accession is whole: GO:0006915."""

_ACCESSION = re.compile(rf"((?:{'|'.join(REGISTRIES)}):\S+?)(?:[:\s]+(\S.*))?", re.IGNORECASE)
_NAMED = re.compile(r"([A-Za-z0-9_.-]+):(.+)")  # PC7_10399:a4b7 Integrin signaling
_ADDRESS = re.compile(r"https?://|na$", re.IGNORECASE)


@dataclass(frozen=True)
class GeneSet:
    """A line of a GMT file.

    Attributes
    ----------
    line
        Its number.
    id, title
        The accession and what it stands for, or the name twice.
    description
        What stands behind the name and is no title; may be empty.
    genes
        Each once, in their order.
    written
        The name as it is written.
    """

    line: int
    id: str
    title: str
    description: str
    genes: tuple[str, ...]
    written: str

    @property
    def is_one(self) -> bool:
        """Whether the line has a name and genes."""
        return bool(self.id and self.genes)


NO_SET = "is not a name, a description and genes, separated by tabs"
"""The end of a sentence about a line that is no gene set."""


def gene_sets(path: Path, called: str | None = None) -> Iterator[GeneSet]:
    """The lines of a file, those that are no set among them.

    Raises
    ------
    InputError
        If the file cannot be read or is no text.
    """
    with opened(path, called) as file:
        for line, text in enumerate(file, start=1):
            if text.strip():
                name, description, *genes = [tidy(c) for c in text.rstrip("\n").split("\t")] + [""]
                yield _gene_set(line, name, description, tuple(dict.fromkeys(g for g in genes if g)))


def _gene_set(line: int, name: str, description: str, genes: tuple[str, ...]) -> GeneSet:
    if accession := _ACCESSION.fullmatch(name):
        id_, title = accession.groups()
        if title is None and description and not _ADDRESS.match(description):
            title, description = description, ""
        return GeneSet(line, id_, title or id_, description, genes, name)
    named = _NAMED.fullmatch(name)
    id_, title = named.groups() if named else (name, name)
    return GeneSet(line, id_, title, description, genes, name)
