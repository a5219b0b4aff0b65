"""Files to validated tables to the store: one function a source, imported when it is first asked for.

`read_and_load`, `gene_tables`, `read_packages`, `cell_lines` and `upkeep` hold the functions, `sources` the readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.ingest.cell_lines import cells, dependencies, omics
    from pharmagraph.ingest.gene_tables import interactions, targets
    from pharmagraph.ingest.read_and_load import check_tables, drgt, gdsc, synthetic, tables
    from pharmagraph.ingest.read_packages import drug_names, genes, homology, pathways
    from pharmagraph.ingest.upkeep import history, remove

__all__ = [
    "cells",
    "check_tables",
    "dependencies",
    "drgt",
    "drug_names",
    "gdsc",
    "genes",
    "history",
    "homology",
    "interactions",
    "omics",
    "pathways",
    "remove",
    "synthetic",
    "tables",
    "targets",
]

_OF_CELL_LINES = ("cells", "dependencies", "omics")
_OF_PACKAGES = ("drug_names", "genes", "homology", "pathways")

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(
        __name__,
        dict.fromkeys(__all__, "pharmagraph.ingest.read_and_load")
        | dict.fromkeys(_OF_PACKAGES, "pharmagraph.ingest.read_packages")
        | dict.fromkeys(("interactions", "targets"), "pharmagraph.ingest.gene_tables")
        | dict.fromkeys(_OF_CELL_LINES, "pharmagraph.ingest.cell_lines")
        | dict.fromkeys(("history", "remove"), "pharmagraph.ingest.upkeep"),
    )


def __dir__() -> list[str]:
    return sorted(__all__)
