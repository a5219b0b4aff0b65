"""`cli ingest …`: one function a command, and the app that has them all."""

from pharmagraph.ingest.commands.cell_lines import cells, dependencies, omics
from pharmagraph.ingest.commands.dose_response import curves
from pharmagraph.ingest.commands.genes_and_drugs import (
    drug_names,
    genes,
    homology,
    interactions,
    pathways,
    targets,
)
from pharmagraph.ingest.commands.group import app
from pharmagraph.ingest.commands.screens import drgt, gdsc, synthetic, tables

__all__ = [
    "app",
    "cells",
    "curves",
    "dependencies",
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
