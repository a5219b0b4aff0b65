"""The options that several `cli ingest` commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pharmagraph.kg.console import Format

GoneChoice = Literal["keep", "mark", "remove"]

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="PHARMAGRAPH_STORE",
        help="ladybug:///path/graph.lbug, bolt://host:7687, neo4j+s://host; pharmagraph.lbug here when left out.",
    ),
]
Share = Annotated[
    float,
    typer.Option(
        help="Share of each cell line's genes that get an EXPRESSES edge, the strongest |z| first; profiles are whole."
    ),
]
Neighbours = Annotated[
    int, typer.Option(min=1, help="SIMILAR_TO edges kept for each drug, cell line and gene.")
]
Name = Annotated[
    str | None, typer.Option("--name", help="Id of the dataset; taken from the file or folder when left out.")
]
RejectRows = Annotated[
    bool,
    typer.Option(
        "--reject-rows",
        help="Leave bad rows out, write them with reasons to rejected/NAME.csv, load the rest.",
    ),
]
WithoutSmiles = Annotated[
    bool, typer.Option("--without-smiles", help="Keep drugs that have no structure, too.")
]
NewGenes = Annotated[
    bool, typer.Option("--new-genes", help="Add genes that the graph lacks, instead of refusing the row.")
]
Gone = Annotated[
    GoneChoice,
    typer.Option(
        help="What the stored release of the dataset has and this one lacks: keep it, mark it (training then leaves it "
        "out), or remove it."
    ),
]
Threshold = Annotated[
    str,
    typer.Option(
        help="Sensitive at or below: drug-median, drug-quantile:SHARE, z:DEVIATIONS, outlier:PROBABILITY or ln:VALUE."
    ),
]
From = Annotated[
    list[Path] | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="A package's file, or a folder with them, instead of fetching; may be repeated.",
    ),
]
Unit = Annotated[
    list[str] | None,
    typer.Option(
        "--unit",
        metavar="MEASURE=UNIT",
        help="Where no header says it: ic50=nM (pM to M, ln_uM, log10_M, pIC50), auc=percent (fraction, area), "
        "expression=tpm (log2, counts, linear, z); may be repeated.",
    ),
]
Human = Annotated[
    bool, typer.Option("--human", help="Gene symbols in small letters, as Brca1, are human and not of mouse.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How the outcome is printed.")]
