"""`cli suggest`: parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store, Wide
from pharmagraph.kg.console import Format
from pharmagraph.model.commands.options import Quiet, Seed
from pharmagraph.model.presets import choices

if TYPE_CHECKING:
    from collections.abc import Sequence

By = Literal["gain", "uncertainty", "diverse", "targets", "random"]
ROUNDS, BATCH, START, SEEDS = 10, 60, 60, 5
"""Of a replay, unless given."""

WELLS, PRINTED = 96, 20
"""Of a plate, unless given."""

_ONLY = "Of a replay: "


def suggest(
    by: Annotated[
        By,
        typer.Option(
            help="gain: what teaches most about all pairs asked about; uncertainty: the widest intervals; diverse: "
            "unsure and unlike each other; targets: what tells a drug's genes apart; random."
        ),
    ] = "gain",
    plate: Annotated[int, typer.Option(help="Wells of the plate: 96, 384 or 1536.")] = WELLS,
    controls: Annotated[
        int | None,
        typer.Option(min=0, help="Wells of controls, half vehicle; two columns of them when left out."),
    ] = None,
    control_columns: Annotated[
        str | None, typer.Option(help="Columns of the controls, with commas; the outer two when left out.")
    ] = None,
    doses: Annotated[int, typer.Option(min=1, help="Wells of each pair, side by side.")] = 1,
    drug: Annotated[
        list[str] | None,
        typer.Option(
            help="Name or id; repeatable. All drugs of the run, or those of --stocks, when left out.",
            autocompletion=completion.drugs,
        ),
    ] = None,
    tissue: Annotated[
        list[str] | None,
        typer.Option(help="Cell lines of this tissue; repeatable.", autocompletion=completion.tissues),
    ] = None,
    cells: Annotated[
        Path | None, typer.Option(help="CSV of the cell lines in culture, with the column cell_line.")
    ] = None,
    compounds: Annotated[
        Path | None,
        typer.Option(
            help="Compounds of a file, as of cli predict --drugs: an SDF, SMILES (.smi), or a table with a column "
            "drug, smiles or both: cli suggest --compounds leads.sdf (docs/predict.md)."
        ),
    ] = None,
    stocks: Annotated[
        Path | None,
        typer.Option(help="CSV of the drugs in stock: drug, and wells, for how many there is enough."),
    ] = None,
    reject_rows: Annotated[
        bool, typer.Option("--reject-rows", help="Leave bad rows of --compounds out in place of ending.")
    ] = False,
    per_drug: Annotated[int | None, typer.Option(min=1, help="Most pairs of one drug.")] = None,
    per_cell: Annotated[int | None, typer.Option(min=1, help="Most pairs of one cell line.")] = None,
    gene: Annotated[
        list[str] | None,
        typer.Option(
            help="With --by targets: a gene that may decide the response; repeatable. Those attended to most when "
            "left out.",
            autocompletion=completion.genes,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the plate map to this CSV, a row a well.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the plate map into this .svg, .png or .pdf.")
    ] = None,
    colour: Annotated[
        Literal["drug", "prediction"] | None,
        typer.Option(
            help="What the colours of the picture tell; the drug when left out, the prediction for many drugs."
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Run id; the promoted run when left out.", autocompletion=completion.runs),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Pairs printed in the table.")] = PRINTED,
    wide: Wide = False,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Hide a data set, ask for it in rounds, and measure what is learned."),
    ] = False,
    dataset: Annotated[
        str | None,
        typer.Option(help=_ONLY + "the data set that is hidden.", autocompletion=completion.datasets),
    ] = None,
    known: Annotated[
        str | None,
        typer.Option(
            help=_ONLY + "a data set that was there before; none when left out.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    slice_: Annotated[
        str | None,
        typer.Option("--slice", metavar="DRUGSxCELLS", help=_ONLY + "draw so many; 60x200 when left out."),
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help=f"{_ONLY}rounds; {ROUNDS} when left out.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help=f"{_ONLY}pairs a round; {BATCH} when left out.")
    ] = None,
    start: Annotated[
        int | None,
        typer.Option(min=0, help=f"{_ONLY}random pairs before the first round; {START} when left out."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help=f"{_ONLY}how often it is repeated; {SEEDS} when left out.")
    ] = None,
    task: Annotated[
        choices.Task | None,
        typer.Option(help=_ONLY + "what is learned; ln IC50 when left out."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help=_ONLY + "folder in which the rows are kept, beside earlier ones.")
    ] = None,
    seed: Seed = 0,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """What to test next: a plate of untested pairs or new compounds, each with a reason; or a replay on past data."""
    from pharmagraph.kg.errors import InputError

    of_replay = {
        "--dataset": dataset, "--known": known, "--slice": slice_, "--rounds": rounds, "--batch": batch,
        "--start": start, "--seeds": seeds, "--task": task, "--folder": folder,
    }  # fmt: skip
    if replay:
        from pharmagraph.model.commands.replaying import replayed

        of_plate = {
            "--by": by != "gain", "--plate": plate != WELLS, "--controls": controls is not None,
            "--control-columns": control_columns, "--doses": doses != 1, "--drug": drug, "--tissue": tissue,
            "--cells": cells, "--compounds": compounds, "--stocks": stocks, "--reject-rows": reject_rows,
            "--per-drug": per_drug, "--per-cell": per_cell, "--gene": gene, "--out": out, "--picture": picture,
            "--colour": colour, "--run": run, "--limit": limit != PRINTED, "--wide": wide,
        }  # fmt: skip
        if given := [name for name, value in of_plate.items() if value]:
            raise InputError(
                f"{given[0]} is an option of a plate, and --replay makes none; leave one of them out"
            )
        replayed(
            store, dataset, known, slice_ or "60x200",
            (rounds or ROUNDS, batch or BATCH, START if start is None else start), task or "regression",
            (seed, seeds or SEEDS), folder, quiet=quiet, format=format,
        )  # fmt: skip
        return
    if given := [name for name, value in of_replay.items() if value is not None]:
        raise InputError(f"{given[0]} is an option of a replay; add --replay, or leave it out")
    _plate(
        by, (plate, controls, control_columns, doses), store, run, out, picture, colour, (limit, wide), seed, quiet,
        format, drugs=drug or (), tissues=tissue or (), compounds=compounds, stocks=stocks, cell_lines=cells,
        per_drug=per_drug, per_cell=per_cell, genes=gene or (), reject_rows=reject_rows,
    )  # fmt: skip


def _plate(
    by: By,
    size: tuple[int, int | None, str | None, int],
    store: str | None,
    run: str | None,
    out: Path | None,
    picture: Path | None,
    colour: Literal["drug", "prediction"] | None,
    printed: tuple[int, bool],
    seed: int,
    quiet: bool,
    format: Format,
    **lab: Any,
) -> None:
    from pharmagraph.kg import folders, picture_file
    from pharmagraph.kg.console import next_command, note, print_rows, progress, write_csv
    from pharmagraph.kg.shown_names import all_shown, row_shown
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.reports.plate_picture import write_plate
    from pharmagraph.model.suggest.acquisition import Acquisition
    from pharmagraph.run import Run
    from pharmagraph.suggesting import Lab, plate_of, plate_rows, suggest

    wells, controls, columns, doses = size
    asked = plate_of(wells, controls, _columns(columns), doses)
    if picture is not None:
        picture_file.require(picture)
    if out is not None:
        folders.require_file(out)
    with open_store(store, read_only=True) as graph, progress(quiet) as bar:
        task = bar.add_task("choosing", total=asked.room, note="")
        opened = Run.open(graph, run)
        found, laid = suggest(
            opened, Lab(**lab), Acquisition(by), asked, seed=seed, advance=lambda: bar.update(task, advance=1)
        )
        names = all_shown(graph)
    rows = plate_rows(found.pairs, laid)
    if out is not None:
        with folders.whole(out) as place, place.open("w", encoding="utf-8", newline="") as file:
            write_csv(file, rows, list(rows[0]))
    if picture is not None:
        write_plate(
            picture,
            [row_shown(row, names) for row in rows],
            title=f"{opened.id}: {wells} wells by {by}",
            colour=colour,
        )
    if format is not Format.table:
        print_rows(rows, format)
    else:
        well_of = {well.pair: well.name for well in laid if well.pair is not None and well.dose == 1}
        limit, wide = printed
        print_rows(
            [
                _shown(row_shown(row, names), well_of[n], wide=wide)
                for n, row in enumerate(found.pairs[:limit])
            ],
            wide=wide,
            title=f"{opened.id}: what to test next, by {by} ({min(limit, len(found.pairs)):,} of "
            f"{len(found.pairs):,} pairs)",
        )
    if quiet:
        return
    for sentence in found.notes:
        note(sentence)
    for what, path in (("plate map", out), ("picture", picture)):
        if path is not None:
            note(f"{what} in {path}")
    if out is None:
        note("Next: write the plate map, with a reason a well: cli suggest … --out plate.csv; here: --wide")
    else:
        note(
            f"Next: measure them, then {next_command('cli ingest tables FOLDER', store)}, and cli train --promote"
        )


def _columns(text: str | None) -> Sequence[int] | None:
    from pharmagraph.kg.errors import InputError

    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise InputError(f'--control-columns "{text}" is not a list of numbers, such as 1,12')
    return [int(part) for part in parts]


def _shown(row: dict[str, Any], well: str, *, wide: bool) -> dict[str, Any]:
    """A pair as the table has it: within 80 columns, or wide, with the reason. The plate map has all digits."""
    from pharmagraph.kg.errors import shortened

    predicted = "probability" if "probability" in row else "ln_ic50"
    ends = [row["low"], row["high"]]
    return {
        "well": well, "drug": row["drug"] if wide else shortened(row["drug"], 16),
        "cell line": row["cell_line"] if wide else shortened(row["cell_line"], 14),
        predicted: float(f"{row[predicted]:.3g}"),
        "interval": "" if None in ends else f"{ends[0]:.2f} to {ends[1]:.2f}",
        "score": float(f"{row['score']:.3g}"),
        **({"reason": row["reason"]} if wide else {}),
    }  # fmt: skip
