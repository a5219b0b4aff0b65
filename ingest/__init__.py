"""Files to validated tables to the store: one function a source, imported when it is first asked for.

`read_and_load` and `cell_lines` hold the functions, `sources` how each source is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.ingest.cell_lines import cells, dependencies, omics
    from pharmagraph.ingest.read_and_load import (
        drgt,
        gdsc,
        interactions,
        pathways,
        synthetic,
        tables,
        targets,
    )

__all__ = [
    "cells",
    "dependencies",
    "drgt",
    "gdsc",
    "interactions",
    "omics",
    "pathways",
    "synthetic",
    "tables",
    "targets",
]

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    _OF_CELL_LINES = dict.fromkeys(["cells", "dependencies", "omics"], "pharmagraph.ingest.cell_lines")
    __getattr__ = lazy_names(
        __name__, dict.fromkeys(__all__, "pharmagraph.ingest.read_and_load") | _OF_CELL_LINES
    )


def __dir__() -> list[str]:
    return sorted(__all__)
