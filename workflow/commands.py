"""`cli demo` and `cli doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format, print_rows


def demo(
    store: Store = None,
    preset: Annotated[str, typer.Option(help="Network to train: default, fast, drgt.")] = "default",
    share: Annotated[
        float, typer.Option(help="Share of the genes kept as expression edges for each cell line.")
    ] = 0.05,
    runs: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Run the whole loop on public data: ingest, train, promote, query."""
    from pharmagraph.kg.store import DEFAULT_URL
    from pharmagraph.workflow.demo import demo as run_demo

    run_demo(store or DEFAULT_URL, preset=preset, share=share, runs_folder=runs, quiet=quiet)


def doctor(
    warm: Annotated[bool, typer.Option("--warm", help="Compile the kernels now, into the cache.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write the findings as JSON, without names, places and secrets, to send to others."
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Check what works on this machine: versions, engines, device, kernels, tools."""
    from pharmagraph.workflow.doctor import examine

    if warm:
        from pharmagraph.model.kernels import warm as warm_kernels

        warm_kernels()
    findings = list(examine())
    print_rows([f.row() for f in findings], format)
    if report is not None:
        from pharmagraph.kg.console import note
        from pharmagraph.workflow.doctor_report import write

        write(report, findings)
        note(f"{report} has no names, places or secrets; look through it before you send it")
    if any(f.state == "broken" for f in findings):
        raise typer.Exit(1)
