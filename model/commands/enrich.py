"""`cli enrich`: parses, calls one function and prints its result."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store, Wide
from pharmagraph.kg.console import Format
from pharmagraph.model.biology.pathways import require_pathways


class TestOption(StrEnum):
    """How a set is tested."""

    over_representation = "over-representation"
    ranks = "ranks"


def enrich(
    drug: Annotated[
        str | None,
        typer.Option(help="Name, alias or id; every drug when left out.", autocompletion=completion.drugs),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Run id; the promoted run when left out.", autocompletion=completion.runs),
    ] = None,
    gmt: Annotated[
        Path | None, typer.Option(help="Gene sets of this file, instead of the graph's pathways.")
    ] = None,
    test: Annotated[
        TestOption, typer.Option(help="The first genes against chance, or the ranks of all genes.")
    ] = TestOption.over_representation,
    top: Annotated[int, typer.Option(min=1, help="First genes of a drug, for over-representation.")] = 20,
    literature: Annotated[
        bool, typer.Option("--literature", help="Search PubMed for the drug with its first genes instead.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Take PubMed's answers from the file alone.")
    ] = False,
    answers: Annotated[
        Path, typer.Option(help="File of PubMed's answers; a search that was cut off goes on from it.")
    ] = Path("pubmed.jsonl"),
    eutils: Annotated[
        str | None, typer.Option(envvar="PHARMAGRAPH_EUTILS", help="Address of NCBI's E-utilities.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows printed; genes searched.")] = 20,
    store: Store = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    format: FormatOption = Format.table,
    wide: Wide = False,
) -> None:
    """Pathways that stand out among genes attended to as targets, or papers on them; written on edges, and printed."""
    from pharmagraph.kg.console import next_command, note, print_rows, progress
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.names import find_drug
    from pharmagraph.kg.store import open_store

    if literature and drug is None:
        raise InputError("--literature needs a drug: cli enrich --literature --drug NAME")
    with open_store(store, create=False) as graph:
        chosen = find_drug(graph, drug) if drug is not None else None
        if gmt is None and not literature:
            require_pathways(graph)

        from pharmagraph.model.biology import annotate as biology  # after what is refused: it takes seconds
        from pharmagraph.model.biology.literature import EUTILS, PubMed

        with progress(quiet) as bar:
            task = bar.add_task("reading", total=None, note="")

            def advance(what: str) -> None:
                bar.update(task, advance=1, note=what)

            if literature:
                assert chosen is not None  # refused above
                pubmed = PubMed(answers, offline=offline, url=eutils or EUTILS)
                rows, error = biology.literature(graph, pubmed, run, chosen, limit=limit, advance=advance)
                title = f"{chosen['name']}: abstracts with each gene, against independence"
            else:
                found = biology.attended(graph, run)
                sets = biology.gene_sets(graph, list(found.genes), gmt)
                drugs = [chosen["id"]] if chosen else None
                rows = biology.enrich(
                    graph, found, sets, test=test.value, top=top, drugs=drugs, advance=advance
                )
                error = None
                n_genes = f"{len(found.genes):,} genes that could be attended to"
                title = f"{len(sets.ids):,} sets of {sets.source}, {n_genes}"
                if gmt is not None and not quiet:
                    note(f"{gmt}: {sets.recognised:.0%} of its genes are in the graph")
    shown = (
        sorted(rows, key=lambda row: row["q"])[:limit] if not literature and chosen is None else rows[:limit]
    )
    way = "no set shares a gene with those attended to; give other sets: --gmt FILE, or cli ingest pathways FILE"
    print_rows(shown, format, title=title, wide=wide, empty=way)
    if error is not None:
        raise type(error)(f"{len(rows)} of {limit} genes searched and written; {error}")
    if not quiet and format is Format.table and not literature:
        note(
            f"{len(rows):,} ENRICHED edges written. "
            f"Next: {next_command('cli query enriched-pathways drug=NAME', store)}"
        )
