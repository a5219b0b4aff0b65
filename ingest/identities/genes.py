"""Makes symbols of what tables call genes otherwise: ``EGFR (1956)``, Ensembl and Entrez ids, dates of spreadsheets.

Ids are looked up only where half of a table's genes or more are ids of one kind, in the public package of
`cli ingest genes`, which is fetched by name on first use. A table of which half of the genes or more are written as
those of mouse is refused, unless the user says that they are human: the symbols of mouse genes differ from those of
human ones in more than capitals (Trp53 is TP53).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pharmagraph.ingest.gene_words import ENSEMBL, OTHER_SPECIES, other_kind
from pharmagraph.ingest.identities import gene_dates
from pharmagraph.ingest.names import is_gene_symbol, unmatched_note
from pharmagraph.kg.errors import DownloadError, InputError
from pharmagraph.kg.wording import option

HALF = 0.5
"""Share of a table's genes from which it is one of ids, or of mouse."""

ENTREZ = "Entrez id"
_BESIDE_ID = re.compile(
    r"(?P<symbol>\S+?)(?: \((?P<id>\d+|ENSG\d{11}(?:\.\d+)?)\)|\|(?P<entrez>\d+))", re.IGNORECASE
)
_VERSION = re.compile(r"(?<=^ENSG\d{11})\.\d+", re.IGNORECASE)
_KNOWN_OF_MOUSE = ("Trp53", "Trp63", "Trp73")
"""Shown first as examples, since they are no human symbols in any case."""


@dataclass(frozen=True)
class Renamed:
    """The genes of a table by symbol where that is known.

    Parameters
    ----------
    names
        Of each gene, in the order of the table; None where an id has no symbol. What else is no symbol stays as it is,
        to be judged by `ingest.gene_words`.
    looked_up
        Whether each was found by its id in a public package.
    notes
        Sentences that say what was done.
    """

    names: tuple[str | None, ...]
    looked_up: tuple[bool, ...]
    notes: tuple[str, ...]


def renamed(
    genes: Sequence[str],
    file: str,
    *,
    human: bool = False,
    ids: Callable[[], Mapping[str, str]] | None = None,
) -> Renamed:
    """Find the symbols of a table's genes.

    Parameters
    ----------
    genes
        Each once.
    file
        For messages.
    human
        Whether symbols such as Brca1 are of human genes: they are written in capitals then.
    ids
        Gives symbols by id; by default those of the public package.

    Raises
    ------
    InputError
        If the genes are written as those of mouse, or are ids, and their package cannot be fetched.
    """
    require_human(genes, file, human=human)
    kind = _kind_of_ids(genes)
    table = _table(file, kind, ids or symbols_by_id) if kind else {}
    beside, capitals, dates, unknown = 0, 0, [], []
    found: list[str | None] = []
    for gene in genes:
        name: str | None = gene
        if (match := _BESIDE_ID.fullmatch(gene)) and is_gene_symbol(match["symbol"]):
            name, beside = match["symbol"], beside + 1
        elif kind and _is_of(gene, kind):
            name = table.get(_VERSION.sub("", gene).upper())
            unknown += [gene] if name is None else []
        elif len(meant := gene_dates.symbols(gene)) == 1:
            name = meant[0]
            dates.append(f"{gene} is {name}")
        elif human and other_kind(gene) == OTHER_SPECIES:
            name, capitals = gene.upper(), capitals + 1
        found.append(name)
    looked_up = tuple(bool(kind) and _is_of(gene, kind or "") for gene in genes)
    counted = {
        "genes that stand beside an id, as EGFR (1956), and are read as the symbol": beside,
        f"genes given as {kind}, whose symbol was looked up": sum(looked_up) - len(unknown),
        "genes in small letters that are taken for human ones": capitals,
    }
    notes = (
        *(f"{file}: {what}: {n:,}" for what, n in counted.items() if n),
        *unmatched_note(f"{kind}s", unknown, "have no symbol, and are left out"),
        *unmatched_note("genes", dates, "a spreadsheet made dates, and are put right"),
    )
    return Renamed(tuple(found), looked_up, notes)


def require_human(genes: Sequence[str], file: str, *, human: bool) -> None:
    """Refuse a table of genes of mouse.

    Raises
    ------
    InputError
        If half of the genes or more are written as those of mouse, unless ``human``.
    """
    if human:
        return
    mouse = [gene for gene in genes if other_kind(gene) == OTHER_SPECIES]
    if len(mouse) < 3 or len(mouse) < HALF * len(genes):
        return
    shown = [gene for gene in _KNOWN_OF_MOUSE if gene in mouse] + [
        g for g in mouse if g not in _KNOWN_OF_MOUSE
    ]
    raise InputError(
        f"{file}: {len(mouse):,} of {len(genes):,} genes ({len(mouse) / len(genes):.0%}) are written as those of mouse "
        f"({', '.join(shown[:3])}, …); give the symbols of their human orthologs, or pass {option('human')} if they "
        "are human genes in small letters"
    )


def _is_of(gene: str, kind: str) -> bool:
    return gene.isascii() and gene.isdecimal() if kind == ENTREZ else other_kind(gene) == kind


def _kind_of_ids(genes: Sequence[str]) -> str | None:
    """The kind of id that half of the genes or more are; None for symbols."""
    for kind in (ENSEMBL, ENTREZ):
        if genes and sum(_is_of(gene, kind) for gene in genes) >= HALF * len(genes):
            return kind
    return None


def _table(file: str, kind: str, ids: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    try:
        return ids()
    except DownloadError as error:
        raise InputError(
            f"{file} gives genes as {kind}, and the package that has their symbols cannot be had: {error}, or give "
            "HGNC symbols"
        ) from error


@cache
def symbols_by_id() -> Mapping[str, str]:
    """Symbol by Entrez id, and by Ensembl id in capitals without version, as the package of `cli ingest genes` has it.

    Raises
    ------
    DownloadError
        If it cannot be fetched, or is not as published.
    """
    from pharmagraph.ingest.downloads import ONCOREF, obtain
    from pharmagraph.ingest.sources.genes import symbols_of

    return symbols_of(obtain(ONCOREF))
