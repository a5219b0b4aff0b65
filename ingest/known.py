"""The drugs, cell lines and genes that the graph already holds, found by name, for sources that add edges to them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pharmagraph.ingest.gene_words import fault, other_kind
from pharmagraph.ingest.identities import gene_dates
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg import names
from pharmagraph.kg.errors import AmbiguousNameError, InputError
from pharmagraph.kg.names import Names, without_id
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import option


@dataclass(frozen=True)
class Known:
    """Nodes of a graph.

    Parameters
    ----------
    drugs, cell_lines, gene_names
        Find a node's id by any of its names; drugs and cell lines also by the tables of aliases.
    genes
        Ids of the genes.
    """

    drugs: Names
    cell_lines: Names
    genes: frozenset[str]
    gene_names: Names

    def genes_of(self, symbols: Iterable[str]) -> tuple[list[str], set[str]]:
        """The ids of the graph's genes among symbols, in order; and the symbols of no gene or, marked, of several."""
        ids, missing = [], set()
        for symbol in symbols:
            try:
                id_ = self.gene_names.find(symbol)
            except AmbiguousNameError as error:
                missing.add(f"{symbol} for {' or '.join(error.candidates)}")
                continue
            if id_ is None:
                missing.add(symbol)
            else:
                ids.append(id_)
        return ids, missing

    def gene(
        self,
        symbol: str,
        rejections: Rejections,
        *,
        kind: str,
        file: str,
        line: int,
        column: str,
        new_genes: bool,
    ) -> str | None:
        """The id of a row's gene, or None if the row is not loaded.

        A gene of the graph is found by any of its names, of which several may not have one. An unknown gene is a bad
        row unless ``new_genes``, with which its symbol is its id.
        """
        try:
            id_ = self.gene_names.find(symbol)
        except AmbiguousNameError as error:
            rejections.bad(kind, file, line, column, symbol, error.expected)
            return None
        if id_ is None and len(meant := gene_dates.symbols(symbol)) == 1:  # a spreadsheet made a date of it
            id_ = self.gene_names.find(meant[0]) or self.gene_names.find(gene_dates.FORMER[meant[0]])
            symbol = meant[0]
        if id_ is not None:
            return id_
        symbol = without_id(symbol)
        if other := other_kind(symbol):
            rejections.set_aside(kind, file, line, symbol, f"{other} of no gene of the graph", rows=1)
            return None
        if reason := fault(symbol):
            rejections.bad(kind, file, line, column, symbol, reason)
            return None
        if new_genes:
            return symbol
        near = difflib.get_close_matches(symbol, self.genes, n=1, cutoff=0.75)
        guess = f"; did you mean {near[0]}?" if near else ""
        way = (
            f"{'If' if near else 'if'} this is another name of a gene that it has, load the names first "
            f"(cli ingest genes); {option('new_genes')} adds a gene"
        )
        rejections.bad(
            kind,
            file,
            line,
            column,
            symbol,
            f"is not a gene of the graph{guess or ';'} {way}",
        )
        return None


def known(store: GraphStore, *, needs: str) -> Known:
    """Read the nodes of a graph.

    Parameters
    ----------
    needs
        Label of which the graph must have nodes, because the new edges end there.

    Raises
    ------
    InputError
        If the graph has no node of this label.
    """
    drugs, cell_lines, genes = (names.index(store, label) for label in ("Drug", "CellLine", "Gene"))
    if not {"Drug": drugs, "CellLine": cell_lines, "Gene": genes}[needs].names:
        raise InputError(
            f"{store.url} holds no {needs} to join this to; load a screen first: cli ingest gdsc"
        )
    return Known(
        replace(drugs, folding=drug_id),
        replace(cell_lines, folding=cell_line_id),
        frozenset(genes.names),
        genes,
    )
