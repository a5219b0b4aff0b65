"""`cli report`: parses, calls one function and writes its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.commands import Store


def report(
    drug: Annotated[str | None, typer.Option(help="Name, alias or id: a page about the drug.")] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Run id; the promoted run when left out. Without --drug, a page about it."),
    ] = None,
    faithfulness: Annotated[
        int, typer.Option(min=0, help="Drugs whose gene edges are removed for a run's page; 0 for none.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="File to write; named after the drug or run.")] = None,
    store: Store = None,
) -> None:
    """A self-contained HTML page about a drug or a run; it opens without a network."""
    from kg import runs
    from kg.named import find_drug
    from kg.names import fold
    from kg.store import open_store
    from model.report import drug_report, run_report

    with open_store(store, read_only=True) as graph:
        if drug is not None:
            node = find_drug(graph, drug)
            name, text = fold(str(node["name"])).lower(), drug_report(graph, node, run_id=run)
        else:
            found = runs.find(graph, run)
            curve = None
            if faithfulness:
                from model.faithfulness import mean_deletion

                curve = mean_deletion(Path(found["folder"] or ""), n_drugs=faithfulness)
            name, text = str(found["id"]), run_report(graph, found["id"], curve=curve)
    path = out or Path(f"{name}.html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(path)
