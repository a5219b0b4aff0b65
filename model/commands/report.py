"""`cli report` and `cli faithfulness`: each parses, calls one function and hands on its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format


def report(
    drug: Annotated[str | None, typer.Option(help="Name, alias or id: a page about the drug.")] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Run id; the promoted run when left out. Without --drug, a page about it."),
    ] = None,
    faithfulness: Annotated[
        bool,
        typer.Option(
            "--faithfulness", help="On a run's page, what predictions lose with the genes attended to."
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; named after the drug or run.")] = None,
    store: Store = None,
) -> None:
    """A self-contained HTML page about a drug or a run; it opens without a network."""
    from pharmagraph.kg import runs
    from pharmagraph.kg.names import find_drug, fold
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.reports.html import drug_report, run_report

    with open_store(store, read_only=True) as graph:
        if drug is not None:
            node = find_drug(graph, drug)
            name, text = fold(str(node["name"])).lower(), drug_report(graph, node, run_id=run)
        else:
            found = runs.find(graph, run)
            curve = None
            if faithfulness:
                from pharmagraph.model.explain.faithfulness.measure import deletion_curve

                curve = deletion_curve(Path(found["folder"] or ""))
            name, text = str(found["id"]), run_report(graph, found["id"], curve=curve)
    path = out or Path(f"{name}.html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(path)


def faithfulness(
    run: Annotated[str | None, typer.Option(help="Run id; the promoted run when left out.")] = None,
    edges: Annotated[
        str, typer.Option(help="Edges of each node that are removed, or alone left; with commas.")
    ] = "1,5,20",
    seed: Annotated[int, typer.Option(min=0, help="Of the random edges, signs and weights.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the datasets and the rows to this JSON file, too.")
    ] = None,
    store: Store = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Take edges away from a run: the most attended, those of most gradient and others against random ones."""
    import json

    from pharmagraph.kg import runs
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.explain.faithfulness.measure import faithfulness as measure

    counts = [int(n) for n in edges.split(",") if n.strip().isdigit()]
    if not counts or min(counts) < 1 or len(counts) != len(edges.split(",")):
        raise InputError(f'--edges "{edges}" is not a list of numbers from 1, such as 1,5,20')
    with open_store(store, read_only=True) as graph:
        found = runs.find(graph, run)
    attends = runs.attention_of(found).get(("Drug", "Gene"))
    given = attends if (found["layer"] or "").startswith("targets") else None
    with progress(quiet) as bar:
        task = bar.add_task("ranking", total=None, note="")
        rows = measure(
            Path(found["folder"] or ""), given, counts=counts, seed=seed,
            advance=lambda what: bar.update(task, note=what),
        )  # fmt: skip
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps([", ".join(found["datasets"]), rows], indent=1) + "\n")
        if not quiet:
            note(f"{len(rows)} rows in {out}")
    print_rows(rows, format, title=f"{found['id']}: mean absolute change of the logit without edges")
