"""Completes names in the shell from the store that commands use: drugs, genes, cell lines, tissues, data sets, runs.

A shell asks for completions while somebody types, so whatever is wrong, such as a store that is locked, gives none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pharmagraph.kg.errors import PharmagraphError

if TYPE_CHECKING:
    import typer

    from pharmagraph.kg.store import GraphStore

    Complete = Callable[[typer.Context, str], list[str]]

MOST = 50
"""Names that are offered."""


def _of_store(names: Callable[[GraphStore], list[str]]) -> Complete:
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        """Names that begin with what was typed, in any case, as words that a shell takes for one."""
        from pharmagraph.kg.store import open_store

        try:
            with open_store(ctx.params.get("store"), read_only=True) as graph:
                words = {"-".join(name.split()) for name in names(graph)}
        except PharmagraphError:
            return []
        found = sorted((w for w in words if w.casefold().startswith(incomplete.casefold())), key=str.casefold)
        return [incomplete + word[len(incomplete) :] for word in found[:MOST]]  # shells keep what was typed

    # typer reads the annotations when it builds the command, where this module's names are not those at hand
    complete.__annotations__ = {}
    return complete


def _named(label: str) -> Callable[[GraphStore], list[str]]:
    return lambda graph: [row["name"] or row["id"] for row in graph.node_rows(label, ["id", "name"])]


def _ids(label: str) -> Callable[[GraphStore], list[str]]:
    return lambda graph: [row["id"] for row in graph.node_rows(label, ["id"])]


def _tissues(graph: GraphStore) -> list[str]:
    return sorted({row["tissue"] for row in graph.node_rows("CellLine", ["tissue"]) if row["tissue"]})


def _drugs_genes_and_cell_lines(graph: GraphStore) -> list[str]:
    return [*_named("Drug")(graph), *_ids("Gene")(graph), *_named("CellLine")(graph)]


drugs = _of_store(_named("Drug"))
cell_lines = _of_store(_named("CellLine"))
genes = _of_store(_ids("Gene"))
runs = _of_store(_ids("Run"))
tissues = _of_store(_tissues)
datasets = _of_store(_ids("Dataset"))
drugs_genes_and_cell_lines = _of_store(_drugs_genes_and_cell_lines)
