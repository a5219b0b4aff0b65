"""Assembles `cli ingest …`; each command parses, calls the library's function of its source, and prints."""

from __future__ import annotations

import typer

from pharmagraph.ingest.commands import cell_lines, datasets, dose_response, genes_and_drugs, screens

app = typer.Typer(
    help="Load a screen, targets, omics or what is known of its genes and drugs; twice changes nothing.",
    no_args_is_help=True,
)
app.command()(screens.gdsc)
app.command()(screens.drgt)
app.command()(screens.synthetic)
app.command()(genes_and_drugs.targets)
app.command()(screens.tables)
app.command()(dose_response.curves)
app.command()(genes_and_drugs.interactions)
app.command()(genes_and_drugs.pathways)
app.command()(genes_and_drugs.genes)
app.command()(genes_and_drugs.homology)
app.command()(genes_and_drugs.drug_names)
app.command()(cell_lines.omics)
app.command()(cell_lines.cells)
app.command()(cell_lines.dependencies)
app.command()(datasets.history)
app.command()(datasets.remove)
