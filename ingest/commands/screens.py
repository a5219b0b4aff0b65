"""A screen with its drugs, cell lines and genes: `cli ingest gdsc`, `drgt`, `synthetic` and `tables`."""

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
    Neighbours,
    Quiet,
    RejectRows,
    Share,
    Store,
    Threshold,
    WithoutSmiles,
)
from pharmagraph.ingest.commands.progress import run
from pharmagraph.kg.console import Format, next_command


def gdsc(
    release: Annotated[str, typer.Option(help="GDSC1, GDSC2 or both.")] = "GDSC1",
    from_: From = None,
    share: Share = 0.05,
    neighbours: Neighbours = 15,
    threshold: Threshold = "z:-0.8",
    copy_number: Annotated[
        bool,
        typer.Option(
            "--copy-number",
            help="Make edges of copy numbers, too, three million; their profiles are always loaded.",
        ),
    ] = False,
    without_smiles: WithoutSmiles = False,
    drugs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Columns drug and smiles: structures of drugs that have none in the package."
        ),
    ] = None,
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """The public GDSC screen; fetched by name on first use, then kept in the user's cache."""
    run(
        lambda advance: ingest.gdsc(
            store, release, files=from_ or (), share=share, neighbours=neighbours, threshold=threshold,
            copy_number=copy_number, without_smiles=without_smiles, drugs=drugs, reject_rows=reject_rows,
            advance=advance,
        ),
        reject_rows, quiet, format, next_command("cli ingest targets", store),
    )  # fmt: skip


def drgt(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="drugAct.csv, gene_exp_part*.csv.gz, drug2smiles.csv and more."),
    ],
    name: Name = None,
    share: Share = 0.05,
    neighbours: Neighbours = 15,
    without_smiles: WithoutSmiles = False,
    reject_rows: RejectRows = False,
    gone: Gone = "remove",
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """A folder in the layout of the drGT paper."""
    run(
        lambda advance: ingest.drgt(
            store, folder, name=name, share=share, neighbours=neighbours, without_smiles=without_smiles,
            reject_rows=reject_rows, gone=gone, advance=advance,
        ),
        reject_rows, quiet, format, next_command("cli train --preset default", store),
    )  # fmt: skip


def synthetic(
    drugs: Annotated[int, typer.Option(help="Drugs.")] = 60,
    cells: Annotated[int, typer.Option(help="Cell lines.")] = 40,
    genes: Annotated[int, typer.Option(help="Genes.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed and sizes give the same screen.")] = 0,
    name: Annotated[str, typer.Option(help="Id of the dataset and prefix of all names.")] = "synthetic",
    share: Share = 0.2,
    neighbours: Neighbours = 5,
    threshold: Threshold = "drug-median",
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """A seeded screen with planted targets, for tests and first steps."""
    run(
        lambda advance: ingest.synthetic(
            store, drugs=drugs, cells=cells, genes=genes, seed=seed, name=name, share=share, neighbours=neighbours,
            threshold=threshold, advance=advance,
        ),
        False, quiet, format, next_command("cli train --preset fast", store),
    )  # fmt: skip


def tables(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="FILE_OR_FOLDER",
            help="responses.csv with drugs.csv, cells.csv and expression.csv when there; or files of GDSC, DepMap, "
            "PRISM, CTRP, CCLE or DrEval as downloaded.",
        ),
    ],
    name: Name = None,
    share: Share = 0.05,
    neighbours: Neighbours = 15,
    threshold: Threshold = "z:-0.8",
    without_smiles: WithoutSmiles = False,
    reject_rows: RejectRows = False,
    gone: Gone = "remove",
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """A screen of your own in long form, or a public one as it is downloaded; the shape is told from the content."""
    run(
        lambda advance: ingest.tables(
            store, place, name=name, share=share, neighbours=neighbours, threshold=threshold,
            without_smiles=without_smiles, reject_rows=reject_rows, gone=gone, advance=advance,
        ),
        reject_rows, quiet, format, next_command("cli train --preset default", store),
    )  # fmt: skip
