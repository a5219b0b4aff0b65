"""Pathways and publications of the genes that a run attends to: gene sets, enrichment, PubMed counts.

Public names load when they are first asked for: statistics take seconds to import, and a refusal needs none.
"""

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.model.biology.annotate import enrich
    from pharmagraph.model.biology.enrichment import over_representation, rank_enrichment
    from pharmagraph.model.biology.gene_sets import GeneSets, read_gmt
    from pharmagraph.model.biology.literature import PubMed

__all__ = ["GeneSets", "PubMed", "enrich", "over_representation", "rank_enrichment", "read_gmt"]

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(__name__, {
        "GeneSets": "pharmagraph.model.biology.gene_sets",
        "PubMed": "pharmagraph.model.biology.literature",
        "enrich": "pharmagraph.model.biology.annotate",
        "over_representation": "pharmagraph.model.biology.enrichment",
        "rank_enrichment": "pharmagraph.model.biology.enrichment",
        "read_gmt": "pharmagraph.model.biology.gene_sets",
    })  # fmt: skip
