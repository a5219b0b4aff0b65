"""Files to validated tables to the store: one function a source, imported when it is first asked for.

`read_and_load` and `read_packages` hold the functions, `sources` how each source is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.ingest.read_and_load import drgt, gdsc, interactions, omics, synthetic, tables, targets
    from pharmagraph.ingest.read_packages import drug_names, genes, homology, pathways

__all__ = [
    "drgt",
    "drug_names",
    "gdsc",
    "genes",
    "homology",
    "interactions",
    "omics",
    "pathways",
    "synthetic",
    "tables",
    "targets",
]

_OF_PACKAGES = ("drug_names", "genes", "homology", "pathways")

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(
        __name__,
        dict.fromkeys(__all__, "pharmagraph.ingest.read_and_load")
        | dict.fromkeys(_OF_PACKAGES, "pharmagraph.ingest.read_packages"),
    )


def __dir__() -> list[str]:
    return sorted(__all__)
