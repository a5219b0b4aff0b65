"""What is known of the graph's genes and drugs: `cli ingest targets`, `interactions`, `pathways`, `genes`, `homology`
and `drug-names`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph import ingest
from pharmagraph.ingest.commands.options import (
    FormatOption,
    From,
    Gone,
    Name,
    NewGenes,
    Quiet,
    RejectRows,
    Store,
)
from pharmagraph.ingest.commands.progress import run
from pharmagraph.kg.console import Format, next_command


def targets(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Columns drug, gene, action, source, evidence; the project's own table when left out.",
        ),
    ] = None,
    name: Name = None,
    new_genes: NewGenes = False,
    reject_rows: RejectRows = False,
    gone: Gone = "remove",
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Known targets of the graph's drugs."""
    run(
        lambda advance: ingest.targets(
            store, file, name=name, new_genes=new_genes, reject_rows=reject_rows, gone=gone, advance=advance
        ),
        reject_rows, quiet, format, next_command("cli train --preset default", store),
    )  # fmt: skip


def interactions(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Columns source_symbol and target_symbol, or gene_a and gene_b; SIF; BioGRID tab3; or STRING.",
        ),
    ],
    name: Name = None,
    min_score: Annotated[
        int, typer.Option(min=0, max=1000, help="STRING: smallest combined score, of 1,000.")
    ] = 700,
    names: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="STRING: its protein.info file, which has the symbols of its ids."),
    ] = None,
    reject_rows: RejectRows = False,
    gone: Gone = "remove",
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Protein–protein interactions between the graph's genes."""
    run(
        lambda advance: ingest.interactions(
            store, file, name=name, min_score=min_score, names=names, reject_rows=reject_rows, gone=gone,
            advance=advance,
        ),
        reject_rows, quiet, format, next_command("cli status", store),
    )  # fmt: skip


def pathways(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="GMT, a set a line; GPML of WikiPathways, or a folder of it; a public collection when left out.",
        ),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            help="gobp (GO biological process, the default), corum or canonical; the last two have terms of their own."
        ),
    ] = None,
    from_: From = None,
    name: Name = None,
    reject_rows: RejectRows = False,
    gone: Gone = "remove",
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Pathways with members among the graph's genes."""
    run(
        lambda advance: ingest.pathways(
            store, file, collection=collection, files=from_ or (), name=name, reject_rows=reject_rows,
            gone=gone, advance=advance,
        ),
        reject_rows, quiet, format, next_command("cli enrich --drug NAME", store),
    )  # fmt: skip


def genes(
    from_: From = None, store: Store = None, quiet: Quiet = False, format: FormatOption = Format.table
) -> None:
    """Entrez, Ensembl and HGNC ids of the graph's genes, and their aliases; fetched by name on first use."""
    run(
        lambda advance: ingest.genes(store, files=from_ or (), advance=advance),
        False, quiet, format, next_command("cli ingest homology", store),
    )  # fmt: skip


def homology(
    from_: From = None, store: Store = None, quiet: Quiet = False, format: FormatOption = Format.table
) -> None:
    """Genes alike in protein sequence, and essential genes; fetched by name on first use."""
    run(
        lambda advance: ingest.homology(store, files=from_ or (), advance=advance),
        False, quiet, format, next_command("cli train --preset default", store),
    )  # fmt: skip


def drug_names(
    from_: From = None, store: Store = None, quiet: Quiet = False, format: FormatOption = Format.table
) -> None:
    """Further names of the graph's drugs, and their DrugBank ids; fetched by name on first use."""
    run(
        lambda advance: ingest.drug_names(store, files=from_ or (), advance=advance),
        False, quiet, format, next_command("cli status", store),
    )  # fmt: skip
