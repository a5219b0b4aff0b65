"""Reads CRISPR gene effects of the graph's cell lines, a table of cell lines by genes or the other way round."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.known import Known
from pharmagraph.ingest.matrix import read_matrix
from pharmagraph.ingest.names import is_gene_symbol, unmatched_note
from pharmagraph.ingest.rejections import Rejections, nothing_left
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.layers import layer
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.reading.text import existing, shown, stem
from pharmagraph.kg.wording import option

BELOW = layer("dependency").threshold
"""Gene effects below it become edges. On DepMap's scale 0 is the median of genes that no line needs, and -1 that of
genes that all lines need, so this is half of the latter (Meyers et al., Nat. Genet. 49 (2017) 1779)."""

_DEPMAP_ID = re.compile(r"ACH-\d{6}")
_GENE = re.compile(r"(?P<symbol>\S+)(?: \((?P<entrez>\d+)\))?")


@dataclass(frozen=True)
class _Genes:
    """The genes of a file.

    Parameters
    ----------
    ids
        Id in the graph of each gene in the file, or None if it is left out.
    new
        Genes that are added → their Entrez id.
    absent, twice, no_symbols
        Names of genes that are left out, by reason.
    """

    ids: list[str | None]
    new: dict[str, int | None]
    absent: list[str]
    twice: list[str]
    no_symbols: list[str]


def read(
    path: Path,
    known: Known,
    cell_lines: pa.Table,
    genes: pa.Table,
    rejections: Rejections,
    *,
    name: str | None = None,
    below: float = BELOW,
    keep_all: bool = False,
    new_genes: bool = False,
) -> Bundle:
    """Read gene effects into a bundle.

    Parameters
    ----------
    path
        CSV, gzip or not, or Parquet: cell lines down the side and genes along the top, or the other way round. Cell
        lines are DepMap ids or names, genes ``SYMBOL (ENTREZ)`` or symbols.
    known
        Nodes of the graph; other cell lines are left out and counted.
    cell_lines, genes
        ``id`` and ``depmap_id`` of the graph's cell lines; ``id`` and ``entrez_id`` of its genes.
    rejections
        Collects bad cells.
    name
        Id of the dataset; by default the file's name.
    below
        Effects below it become edges; all effects become profiles.
    keep_all
        All effects become edges.
    new_genes
        Add genes that the graph lacks; otherwise they are counted.

    Raises
    ------
    InputError
        If the file names no cell line or no gene of the graph, or no effect is below the threshold.
    RowError
        At the first bad cell, unless rows are being rejected.
    """
    name = name or stem(path)
    matrix = read_matrix(
        existing(path, what="a table of gene effects is needed"), rejections, kind="DEPENDS_ON"
    )
    if not matrix.rows or np.isnan(matrix.values).all():
        raise nothing_left(shown(path), "number", rejections, unit="cell")
    of_depmap = {
        d: c for c, d in zip(*(cell_lines[c].to_pylist() for c in ("id", "depmap_id")), strict=True) if d
    }

    def cell_lines_of(names: Sequence[str]) -> list[str | None]:
        return [of_depmap.get(n) or known.cell_lines.find(n) for n in names]

    down, along = (
        sum(_DEPMAP_ID.fullmatch(n) is not None for n in ns) for ns in (matrix.rows, matrix.columns)
    )
    if not down and not along:
        down, along = (sum(i is not None for i in cell_lines_of(ns)) for ns in (matrix.rows, matrix.columns))
    lines_down = down >= along
    effects = matrix.values if lines_down else matrix.values.T
    line_names, gene_names = (matrix.rows, matrix.columns) if lines_down else (matrix.columns, matrix.rows)
    line_ids = cell_lines_of(line_names)
    _require_lines(path, line_names, line_ids, any_depmap_id=bool(of_depmap))
    found = _genes(gene_names, genes, new_genes=new_genes)
    if not any(g is not None for g in found.ids):
        raise InputError(
            f"{shown(path)} names no gene of the graph ({', '.join(gene_names[:3])}, …); "
            f"pass {option('new_genes')} to add genes"
        )
    row, column = _kept(line_ids), _kept(found.ids)
    inside = effects[np.ix_(row, column)]
    measured = ~np.isnan(inside)
    edge = measured if keep_all else measured & (np.nan_to_num(inside) < below)
    if not edge.any():
        raise InputError(
            f"{shown(path)} has no effect below {below:g}; pass {option('keep_all')} to load all of them"
        )
    at_row, at_column = np.nonzero(edge)
    table = assemble.edge_table(
        assemble.taken([str(line_ids[i]) for i in row], at_row),
        assemble.taken([str(found.ids[i]) for i in column], at_column),
        {"effect": inside[at_row, at_column], "dataset": name},
    )
    limit = "" if keep_all else f" are below {below:g} and"
    notes = (
        f"{len(at_row):,} of {int(measured.sum()):,} effects{limit} became edges, of {len(row):,} cell lines and "
        f"{len(set(at_column)):,} genes" + ("" if keep_all else f"; {option('keep_all')} keeps all"),
        *unmatched_note(
            "cell lines", [n for n, i in zip(line_names, line_ids, strict=True) if i is None], "are not in the graph"
        ),
        *unmatched_note("genes", found.absent, f"are not in the graph ({option('new_genes')} adds them)"),
        *unmatched_note("genes", found.new, "are new to the graph"),
        *unmatched_note("genes", found.twice, "stand in several columns, and are left out"),
        *unmatched_note("columns", found.no_symbols, "do not have the form of a gene, and are left out"),
    )  # fmt: skip
    nodes = {}
    if found.new:
        ids = sorted(found.new)
        nodes["Gene"] = assemble.node_table("Gene", {"id": ids, "entrez_id": [found.new[g] for g in ids]})
    card = DatasetCard(name, path.name, sha256=checksum(path))
    edges = {("DEPENDS_ON", ("CellLine", "Gene")): table}
    profiles = Profiles.of(
        name, "dependency", [str(line_ids[i]) for i in row], [str(found.ids[i]) for i in column], inside
    )
    return Bundle(name, (card,), nodes, edges, tuple(rejections.rejected), notes, (profiles,))


def _require_lines(
    path: Path, names: Sequence[str], ids: Sequence[str | None], *, any_depmap_id: bool
) -> None:
    counts = Counter(i for i in ids if i is not None)
    for id_, n in counts.items():
        if n > 1:
            same = " and ".join(name for name, i in zip(names, ids, strict=True) if i == id_)
            raise InputError(f"{shown(path)}: {same} are the same cell line of the graph, {id_}; keep one")
    if not counts:
        advice = (
            "load its screen first"
            if any_depmap_id
            else "the graph has no DepMap ids: load them with cli ingest cells FILE, then run this again"
        )
        raise InputError(
            f"{shown(path)} names no cell line of the graph ({', '.join(names[:3])}, …); {advice}"
        )


def _genes(names: Sequence[str], genes: pa.Table, *, new_genes: bool) -> _Genes:
    """Find the genes of a file by Entrez id, or else by symbol."""
    known = genes["id"].to_pylist()
    by_entrez = {e: g for g, e in zip(known, genes["entrez_id"].to_pylist(), strict=True) if e is not None}
    symbols = set(known)
    found = _Genes([], {}, [], [], [])
    for name in names:
        parts = _GENE.fullmatch(name.strip())
        symbol = parts["symbol"] if parts else name
        entrez = int(parts["entrez"]) if parts and parts["entrez"] else None
        id_ = by_entrez.get(entrez) or (symbol if symbol in symbols else None)
        if id_ is None and not is_gene_symbol(symbol):
            found.no_symbols.append(name)
        elif id_ is None and new_genes:
            id_ = symbol
            found.new[symbol] = entrez
        elif id_ is None:
            found.absent.append(symbol)
        found.ids.append(id_)
    counts = Counter(i for i in found.ids if i is not None)
    for position, id_ in enumerate(found.ids):
        if id_ is not None and counts[id_] > 1:
            found.twice.append(names[position])
            found.new.pop(id_, None)
            found.ids[position] = None
    return found


def _kept(ids: Sequence[str | None]) -> npt.NDArray[np.int64]:
    return np.flatnonzero([i is not None for i in ids])
