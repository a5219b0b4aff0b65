"""Assembles `cli ingest …`; each command parses, calls the library's function of its source, and prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import typer

from pharmagraph.ingest.commands import (
    cell_lines,
    datasets,
    dose_response,
    genes_and_drugs,
    replicates,
    screens,
)
from pharmagraph.kg.help import Sections, add

COMMANDS: Mapping[str, Iterable[tuple[Callable[..., None], str]]] = {
    "Screens": (
        (screens.tables, "cli ingest tables my-screen --check"),
        (screens.gdsc, "cli ingest gdsc --release both"),
        (screens.drgt, "cli ingest drgt nci60 --reject-rows"),
        (dose_response.curves, "cli ingest curves points.csv --out my-screen/responses.csv"),
        (replicates.replicates, "cli ingest replicates raw --out my-screen/responses.parquet"),
        (screens.synthetic, "cli ingest synthetic --drugs 24 --cells 24"),
    ),
    "Genes and drugs": (
        (genes_and_drugs.targets, "cli ingest targets --reject-rows"),
        (genes_and_drugs.interactions, "cli ingest interactions string.links.txt --names string.info.txt"),
        (genes_and_drugs.pathways, "cli ingest pathways sets.gmt"),
        (genes_and_drugs.genes, "cli ingest genes"),
        (genes_and_drugs.homology, "cli ingest homology"),
        (genes_and_drugs.drug_names, "cli ingest drug-names"),
    ),
    "Cell lines": (
        (cell_lines.omics, "cli ingest omics mutations.csv --kind mutation"),
        (cell_lines.cells, "cli ingest cells Model.csv"),
        (cell_lines.dependencies, "cli ingest dependencies CRISPRGeneEffect.csv"),
    ),
    "What was loaded": (
        (datasets.history, "cli ingest history"),
        (datasets.remove, "cli ingest remove NAME"),
    ),
}
"""Section of `cli ingest --help` → its commands, each with an example."""

app = typer.Typer(
    help="Load a screen, targets, omics or what is known of its genes and drugs; twice changes nothing.",
    cls=Sections,
    no_args_is_help=True,
)
add(app, COMMANDS)
