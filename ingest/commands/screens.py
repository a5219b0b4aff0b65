"""A screen with its drugs, cell lines and genes: `cli ingest gdsc`, `drgt`, `synthetic` and `tables`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pharmagraph import ingest
from pharmagraph.ingest.commands.options import (
    FormatOption,
    From,
    Gone,
    Human,
    Name,
    Neighbours,
    Quiet,
    RejectRows,
    Share,
    Store,
    Threshold,
    Unit,
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
    density: Annotated[
        float | None,
        typer.Option(
            help="Share of pairs that are tested. Makes a screen of any size block by block, without profiles, in "
            "a new embedded store.",
        ),
    ] = None,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """A seeded screen with planted targets, for tests and first steps; with --density, of any size."""
    run(
        lambda advance: ingest.synthetic(
            store, drugs=drugs, cells=cells, genes=genes, seed=seed, name=name, share=share, neighbours=neighbours,
            threshold=threshold, density=density, advance=advance,
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
    threshold: Annotated[
        str | None,
        typer.Option(help="As in the other commands; that of manifest.yaml, or z:-0.8, when left out."),
    ] = None,
    without_smiles: WithoutSmiles = False,
    unit: Unit = None,
    human: Human = False,
    reject_rows: RejectRows = False,
    gone: Gone = "remove",
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Load nothing: print what would be loaded, which columns are read, and what is wrong.",
        ),
    ] = False,
    init: Annotated[
        bool,
        typer.Option(
            "--init",
            help="Load nothing: look at the files of a folder and write manifest.yaml, which says what they hold.",
        ),
    ] = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """A screen of your own, long or wide, or a public one as downloaded; told from the content, or by manifest.yaml."""
    if init:
        _say_manifest(place, format)
        return
    if check:
        _say_check(
            place,
            reject_rows,
            format,
            {"threshold": threshold, "without_smiles": without_smiles, "units": unit or (), "human": human},
        )
        return
    run(
        lambda advance: ingest.tables(
            store, place, name=name, share=share, neighbours=neighbours, threshold=threshold,
            without_smiles=without_smiles, units=unit or (), human=human, reject_rows=reject_rows, gone=gone,
            advance=advance,
        ),
        reject_rows, quiet, format, next_command("cli train --preset default", store),
    )  # fmt: skip


def _say_check(place: Path, reject_rows: bool, format: Format, options: Mapping[str, Any]) -> None:
    """Print what a load would do: its first error at once, the rest when all is read."""
    from pharmagraph.ingest.check import COLUMNS
    from pharmagraph.kg.console import note, print_rows
    from pharmagraph.kg.errors import RowError

    said = reject_rows

    def told(error: RowError) -> None:
        nonlocal said
        if not said:
            note(f"error: {error}")
        said = True

    found = ingest.check_tables(place, **options, told=told)
    if format is Format.table:
        _print_by_file(found.rows(), COLUMNS)
    else:
        print_rows(found.rows(), format, columns=COLUMNS)
    for sentence in (*found.screen.notes, *found.unlabelled, *found.screen.of_tables):
        note(sentence)
    if found.n_bad and not reject_rows:
        bad, them = ("1 bad row", "it") if found.n_bad == 1 else (f"{found.n_bad:,} bad rows", "them")
        note(f"Nothing was loaded. {bad}: correct {them}, or pass --reject-rows to load the rest.")
        raise typer.Exit(1)
    note("Nothing was loaded: --check only reads.")


def _print_by_file(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print a table for each file under its name, which may be longer than a column; first what is of no file."""
    from pharmagraph.kg.console import print_rows

    for file in dict.fromkeys(row["file"] for row in rows):
        own = [row for row in rows if row["file"] == file]
        shown = [c for c in columns if c != "file" and any(row[c] not in (None, "") for row in own)]
        print_rows(own, Format.table, columns=shown, title=file or None)


def _say_manifest(folder: Path, format: Format) -> None:
    """Write a manifest, and print what it says of each file."""
    from pharmagraph.ingest.manifest.write import write_manifest
    from pharmagraph.kg.console import note, print_rows

    path, guesses = write_manifest(folder)
    rows = [
        {
            "holds": guess.part,
            "file": str(guess.path.relative_to(folder)),
            "guessed_from": guess.lines[0].reason,
        }
        for guess in guesses.parts
    ]
    print_rows(rows, format)
    for other in guesses.others:
        note(f"not used: {other}")
    n = guesses.n_open
    left = f" {n} {'line is' if n == 1 else 'lines are'} to be filled in." if n else ""
    note(f"{path} was written.{left}")
    note(f"Next: correct it, then cli ingest tables {folder} --check")
