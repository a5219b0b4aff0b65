"""Words that people call columns by, for drugs, cell lines, genes and what is said of them. They are guesses."""

from __future__ import annotations

import re

WORDS: dict[str, tuple[str, ...]] = {
    "drug": (
        "drug", "drugs", "drug_name", "compound", "compounds", "compound_name", "cpd", "cpd_name", "treatment",
        "molecule", "agent", "inhibitor", "drug_id", "compound_id", "treatment_id",
    ),
    "cell_line": (
        "cell_line", "cell_lines", "cellline", "cell_line_name", "cell", "cells", "line", "model", "model_name",
        "model_id", "modelid", "depmap_id", "sample", "sample_id", "ccl_name", "ccle_name", "cell_line_id",
        "stripped_cell_line_name",
    ),
    "gene": ("gene", "genes", "symbol", "gene_symbol", "hugo_symbol", "hugosymbol", "gene_name", "hgnc_symbol"),
    "response": ("response", "sensitive", "label", "class", "is_sensitive"),
    "smiles": ("smiles", "canonical_smiles", "isomeric_smiles", "structure"),
    "pubchem_cid": ("pubchem_cid", "pubchem", "cid", "pubchem_id"),
    "broad_id": ("broad_id", "brd_id", "broad"),
    "chembl_id": ("chembl_id", "chembl", "molecule_chembl_id"),
    "max_phase": ("max_phase", "phase", "clinical_phase"),
    "mechanism": ("mechanism", "moa", "mechanism_of_action", "target_pathway"),
    "tissue": ("tissue", "primary_site", "lineage", "oncotree_lineage", "tissue_type", "primary_tissue", "cancer_type"),
    "cosmic_id": ("cosmic_id", "cosmic", "cosmicid"),
    "depmap_id": ("depmap_id", "depmap", "ach_id", "modelid", "model_id"),
    "cellosaurus_id": ("cellosaurus_id", "cellosaurus", "rrid", "cvcl"),
}  # fmt: skip
"""Column of the schema → words for it, in small letters with underscores, the surest first."""


def folded(name: str) -> str:
    """A column's name in small letters, with one underscore for what is no letter or number."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()).strip("_")


def stands_for(column: str, name: str) -> bool:
    """Whether a name is a word for a column of the schema."""
    return folded(name) in WORDS[column] or name.strip().casefold() in WORDS[column]
