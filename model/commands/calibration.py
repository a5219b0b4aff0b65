"""`cli runs calibration`: parses, calls one function and prints its result."""

from __future__ import annotations

import shutil
import textwrap
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg.commands.runs import RunId
from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format


class By(StrEnum):
    """What measured pairs are grouped by."""

    drug = "drug"
    tissue = "tissue"
    dataset = "dataset"


def calibration(
    run: RunId,
    by: Annotated[By | None, typer.Option(help="Groups of one kind; of all three when left out.")] = None,
    least: Annotated[int, typer.Option(min=1, help="Measured responses that a group needs.")] = 10,
    limit: Annotated[int, typer.Option(min=1, help="Groups that are printed of each table.")] = 10,
    picture: Annotated[
        Path | None, typer.Option(help="Reliability diagram, .svg, .png or .pdf.", metavar="FILE")
    ] = None,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """How a run's predictions fared against what was measured of pairs that it was not trained on."""
    from pharmagraph.kg import picture_file
    from pharmagraph.kg.console import note, print_rows
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.certainty.drift import Drift
    from pharmagraph.model.reports import fared as report
    from pharmagraph.model.runs.fared import fared

    if picture is not None:
        picture_file.require(picture)
    with open_store(store, read_only=True) as graph:
        outcomes = fared(graph, run, note=note)
    drift = Drift.of(outcomes)
    if format is Format.table:
        for title, rows, few in report.sections(outcomes, by, least):
            if few:
                note(
                    f"{title.partition(',')[0].lower()}: {few:,} groups have fewer than {least} and are left out"
                )
            if len(rows) > limit and rows[0]["by"] in set(By):
                title += f" ({limit} of {len(rows):,})"
                rows = rows[:limit]
            if rows or not few:
                print_rows(report.shown(rows), title=title)
        print(
            "\n".join(textwrap.wrap(str(drift), shutil.get_terminal_size().columns, break_on_hyphens=False))
        )
    else:
        rows = report.all_rows(outcomes, drift, by, least)
        print_rows(rows, format, columns=report.columns(outcomes))
        note(str(drift))
    if picture is not None:
        report.write_picture(picture, outcomes)
        note(f"picture: {picture}")
