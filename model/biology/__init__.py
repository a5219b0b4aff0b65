"""Pathways and publications of the genes that a run attends to: gene sets, enrichment, PubMed counts."""

from pharmagraph.model.biology.annotate import enrich
from pharmagraph.model.biology.enrichment import over_representation, rank_enrichment
from pharmagraph.model.biology.gene_sets import GeneSets, read_gmt
from pharmagraph.model.biology.literature import PubMed

__all__ = ["GeneSets", "PubMed", "enrich", "over_representation", "rank_enrichment", "read_gmt"]
