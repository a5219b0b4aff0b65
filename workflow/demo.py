"""Runs the whole loop on the public GDSC screen: ingest, what is known of drugs and genes, train, promote, query."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pharmagraph.ingest import commands as ingest
from pharmagraph.kg import runs
from pharmagraph.kg.console import Format, next_command, note, print_rows, progress
from pharmagraph.kg.store import open_store

if TYPE_CHECKING:
    from pharmagraph.model.runs.trained import Trained

DATASET = "GDSC1"


def demo(
    store_url: str, *, preset: str, share: float, runs_folder: Path, quiet: bool, limit: int = 15
) -> None:
    """Run the loop, and print the strongest links, the figures on held-out pairs, and commands to try next.

    Parameters
    ----------
    store_url
        The store to fill; filling it again changes nothing.
    preset
        Preset of the network to train.
    share
        Share of the genes kept as expression edges for each cell line.
    runs_folder
        Folder in which the run's folder is created.
    quiet
        Print no progress.
    limit
        Number of links printed.
    """
    from pharmagraph.model.reports.training_run import about_genes

    begun = time.perf_counter()
    trained: list[Trained] = []
    _step(
        "1/9  the public screen",
        lambda: ingest.gdsc(release=DATASET, share=share, store=store_url, quiet=quiet),
    )
    _step("2/9  known targets, curated by hand", lambda: ingest.targets(store=store_url, quiet=quiet))
    _step("3/9  ids and aliases of genes", lambda: ingest.genes(store=store_url, quiet=quiet))
    _step("4/9  GO biological processes", lambda: ingest.pathways(store=store_url, quiet=quiet))
    _step("5/9  genes alike in protein sequence", lambda: ingest.homology(store=store_url, quiet=quiet))
    _step("6/9  ids of the genes that these two added", lambda: ingest.genes(store=store_url, quiet=quiet))
    _step("7/9  names of drugs", lambda: ingest.drug_names(store=store_url, quiet=quiet))
    _step(
        f"8/9  a graph-attention network, one fifth of {DATASET} held out",
        lambda: trained.append(_train(preset, store_url, runs_folder, quiet)),
    )
    (through,) = (one.through_genes for one in trained)
    note("\n9/9  the links with the most attention, asked with Cypher")
    with open_store(store_url, read_only=True) as graph:
        run = runs.find(graph)
        from pharmagraph.cypher import catalogue

        genes = catalogue.run(graph, "strongest-biomarkers", {"limit": str(limit)}).to_pylist()
        links = catalogue.run(graph, "strongest-unlisted", {"limit": str(limit)}).to_pylist()
        known = catalogue.run(graph, "strongest-links", {"limit": "1000000"})["known"].to_pylist()
    print_rows(
        genes, title="Genes that decide the response to a drug: association within this screen, not cause"
    )
    if through is not None:
        print(f"{about_genes(through)}.\n")
    print_rows(links, title="The strongest links that no source lists: hypotheses")
    print(
        f"{sum(known)} of {len(known)} drugs have known targets. The run was given them, and ranks them first."
    )
    print("How many of them it finds when they are hidden: docs/interpretation.md.")
    print(f"\nstore {store_url}   run {run['id']}   {time.perf_counter() - begun:.0f} s in all")
    print("Try next:")
    for query in ("biomarkers drug=lapatinib", "top-genes drug=erlotinib", "strongest-unlisted", "--list"):
        print(f"  {next_command(f'cli query {query}', store_url)}")


def _train(preset: str, store_url: str, folder: Path, quiet: bool) -> Trained:
    from pharmagraph.model.presets.by_dataset import fitting_preset
    from pharmagraph.model.presets.config import load_preset
    from pharmagraph.model.reports.training_run import reporters, show
    from pharmagraph.training import train

    config = load_preset(fitting_preset(preset, DATASET))
    with open_store(store_url, create=False) as graph, progress(quiet) as bar:
        report, stage = reporters(bar, config)
        run = train(graph, config, datasets=DATASET, promote=True, folder=folder, report=report, stage=stage)
    show(
        run.trained, config, split="random", promoted=True, store=store_url, quiet=quiet, format=Format.table
    )
    return run.trained


def _step(title: str, command: Callable[[], None]) -> None:
    note(f"\n{title}")
    command()
