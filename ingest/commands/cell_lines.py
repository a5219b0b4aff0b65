"""What is known of the graph's cell lines: `cli ingest omics`, `cells` and `dependencies`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph import ingest
from pharmagraph.ingest.commands.options import (
    FormatOption,
    Gone,
    Human,
    Name,
    NewGenes,
    Quiet,
    RejectRows,
    Share,
    Store,
    Unit,
)
from pharmagraph.ingest.commands.progress import run
from pharmagraph.kg.console import Format, next_command
from pharmagraph.kg.layers import LAYERS

_KINDS = [layer.name for layer in LAYERS]


def omics(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Columns cell_line, gene, value; or a matrix, either way round."),
    ],
    kind: Annotated[str, typer.Option(help=f"{', '.join(_KINDS[:-1])} or {_KINDS[-1]}.")],
    name: Name = None,
    share: Share = 0.05,
    threshold: Annotated[
        float | None,
        typer.Option(help="Of values that become edges, in place of the kind's own; profiles are whole."),
    ] = None,
    new_genes: NewGenes = False,
    unit: Unit = None,
    human: Human = False,
    reject_rows: RejectRows = False,
    gone: Gone = "remove",
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Omics of the graph's cell lines."""
    run(
        lambda advance: ingest.omics(
            store, file, kind, name=name, share=share, threshold=threshold, new_genes=new_genes, units=unit or (),
            human=human, reject_rows=reject_rows, gone=gone, advance=advance,
        ),
        reject_rows, quiet, format, next_command("cli status", store),
    )  # fmt: skip


def cells(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Model list of Cell Model Passports, Model.csv or sample_info.csv of DepMap, or cellosaurus.txt.",
        ),
    ],
    name: Name = None,
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Ids, synonyms and known problems of the graph's cell lines; clashes are named and nothing is overwritten."""
    run(
        lambda advance: ingest.cells(store, file, name=name, reject_rows=reject_rows, advance=advance),
        reject_rows, quiet, format, next_command("cli status", store),
    )  # fmt: skip


def dependencies(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CRISPR gene effects as DepMap ships them: cell lines by genes, or transposed; CSV or Parquet.",
        ),
    ],
    name: Name = None,
    below: Annotated[
        float,
        typer.Option(
            help="Effects below it become edges; -1 is that of common essential genes. All are kept as profiles."
        ),
    ] = -0.5,
    all_: Annotated[bool, typer.Option("--all", help="All effects become edges.")] = False,
    new_genes: Annotated[
        bool, typer.Option("--new-genes", help="Add genes that the graph lacks, instead of counting them.")
    ] = False,
    reject_rows: RejectRows = False,
    gone: Gone = "remove",
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Genes that the graph's cell lines depend on, by CRISPR; lines are found by DepMap id (cli ingest cells)."""
    run(
        lambda advance: ingest.dependencies(
            store, file, name=name, below=below, keep_all=all_, new_genes=new_genes, reject_rows=reject_rows,
            gone=gone, advance=advance,
        ),
        reject_rows, quiet, format, next_command("cli status", store),
    )  # fmt: skip
