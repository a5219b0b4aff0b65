"""The drugs, cell lines and genes that the graph already holds, found by name, for sources that add edges to them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from pharmagraph.ingest.names import Matcher, cell_line_id, drug_id, is_gene_symbol
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg import names
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import GraphStore


@dataclass(frozen=True)
class Known:
    """Nodes of a graph.

    Parameters
    ----------
    drugs, cell_lines
        Find a node's id by any of its names.
    genes
        Ids of the genes.
    """

    drugs: Matcher
    cell_lines: Matcher
    genes: frozenset[str]

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
    ) -> bool:
        """Whether a row with this gene is loaded; an unknown gene is a bad row unless ``new_genes``."""
        if symbol in self.genes:
            return True
        if not is_gene_symbol(symbol):
            rejections.bad(kind, file, line, column, symbol, "is not a gene symbol; use HGNC symbols")
            return False
        if new_genes:
            return True
        near = difflib.get_close_matches(symbol, self.genes, n=1, cutoff=0.75)
        guess = f"; did you mean {near[0]}?" if near else ""
        rejections.bad(
            kind,
            file,
            line,
            column,
            symbol,
            f"is not a gene of the graph{guess} Pass --new-genes to add genes"
            if guess
            else "is not a gene of the graph; pass --new-genes to add genes",
        )
        return False


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
    drugs, cell_lines = names.index(store, "Drug"), names.index(store, "CellLine")
    genes = frozenset(store.read_nodes("Gene", ["id"]).column("id").to_pylist())
    if not {"Drug": drugs, "CellLine": cell_lines, "Gene": genes}[needs]:
        raise InputError(
            f"{store.url} holds no {needs} to join this to; load a screen first: cli ingest gdsc"
        )
    return Known(Matcher(drugs, drug_id), Matcher(cell_lines, cell_line_id), genes)
