"""The relations by which nodes pass messages."""

from __future__ import annotations

RELATIONS: dict[str, tuple[str, str]] = {
    "drug_from_drug": ("Drug", "Drug"),
    "cell_line_from_cell_line": ("CellLine", "CellLine"),
    "cell_line_from_gene": ("Gene", "CellLine"),
    "gene_from_cell_line": ("CellLine", "Gene"),
    "drug_from_gene": ("Gene", "Drug"),
    "gene_from_drug": ("Drug", "Gene"),
    "drug_from_sensitive": ("CellLine", "Drug"),
    "drug_from_resistant": ("CellLine", "Drug"),
    "cell_line_from_sensitive": ("Drug", "CellLine"),
    "cell_line_from_resistant": ("Drug", "CellLine"),
}
"""Relation → (kind of source, kind of destination) of its messages."""

BETWEEN_DRUGS_AND_GENES = {"drug_from_gene", "gene_from_drug"}
"""Left out where drugs attend to genes by attention that is fitted to known targets."""
