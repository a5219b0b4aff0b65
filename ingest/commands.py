"""`cli ingest …`: each command parses, calls the function of its source in `read_and_load` and prints what happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pharmagraph import ingest
from pharmagraph.kg.console import Format

if TYPE_CHECKING:
    from pharmagraph.ingest.load import Report
    from pharmagraph.ingest.read_and_load import Advance

app = typer.Typer(
    help="Load a screen, targets, omics or what is known of its genes and drugs; twice changes nothing.",
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
From = Annotated[
    list[Path] | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="A package's file, or a folder with them, instead of fetching; may be repeated.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How the outcome is printed.")]


@app.command()
def gdsc(
    release: Annotated[str, typer.Option(help="GDSC1, GDSC2 or both.")] = "GDSC1",
    from_: From = None,
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
    _run(
        lambda advance: ingest.gdsc(
            store, release, files=from_ or (), share=share, neighbours=neighbours, threshold=threshold,
            copy_number=copy_number, without_smiles=without_smiles, reject_rows=reject_rows, advance=advance,
        ),
        reject_rows, quiet, format, "cli ingest targets",
    )  # fmt: skip


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
    _run(
        lambda advance: ingest.drgt(
            store, folder, name=name, share=share, neighbours=neighbours, without_smiles=without_smiles,
            reject_rows=reject_rows, advance=advance,
        ),
        reject_rows, quiet, format, "cli train --preset default",
    )  # fmt: skip


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
    _run(
        lambda advance: ingest.synthetic(
            store, drugs=drugs, cells=cells, genes=genes, seed=seed, name=name, share=share, neighbours=neighbours,
            threshold=threshold, advance=advance,
        ),
        False, quiet, format, "cli train --preset fast",
    )  # fmt: skip


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
    _run(
        lambda advance: ingest.targets(
            store, file, name=name, new_genes=new_genes, reject_rows=reject_rows, advance=advance
        ),
        reject_rows, quiet, format, "cli train --preset default",
    )  # fmt: skip


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
    _run(
        lambda advance: ingest.tables(
            store, folder, name=name, share=share, neighbours=neighbours, threshold=threshold,
            reject_rows=reject_rows, advance=advance,
        ),
        reject_rows, quiet, format, "cli train --preset default",
    )  # fmt: skip


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
    _run(
        lambda advance: ingest.interactions(store, file, name=name, reject_rows=reject_rows, advance=advance),
        reject_rows, quiet, format, "cli status",
    )  # fmt: skip


@app.command()
def pathways(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE.gmt]",
            help="One gene set a line: name, description, symbols; a public collection when left out.",
        ),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            help="gobp (GO biological process, the default), corum or canonical; the last two have terms of their own."
        ),
    ] = None,
    from_: From = None,
    name: Name = None,
    reject_rows: RejectRows = False,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Pathways with members among the graph's genes."""
    _run(
        lambda advance: ingest.pathways(
            store, file, collection=collection, files=from_ or (), name=name, reject_rows=reject_rows,
            advance=advance,
        ),
        reject_rows, quiet, format, "cli enrich --drug NAME",
    )  # fmt: skip


@app.command()
def genes(
    from_: From = None, store: Store = None, quiet: Quiet = False, format: FormatOption = Format.table
) -> None:
    """Entrez, Ensembl and HGNC ids of the graph's genes, and their aliases; fetched by name on first use."""
    _run(
        lambda advance: ingest.genes(store, files=from_ or (), advance=advance),
        False, quiet, format, "cli ingest homology",
    )  # fmt: skip


@app.command()
def homology(
    from_: From = None, store: Store = None, quiet: Quiet = False, format: FormatOption = Format.table
) -> None:
    """Genes alike in protein sequence, and essential genes; fetched by name on first use."""
    _run(
        lambda advance: ingest.homology(store, files=from_ or (), advance=advance),
        False, quiet, format, "cli train --preset default",
    )  # fmt: skip


@app.command()
def drug_names(
    from_: From = None, store: Store = None, quiet: Quiet = False, format: FormatOption = Format.table
) -> None:
    """Further names of the graph's drugs, and their DrugBank ids; fetched by name on first use."""
    _run(
        lambda advance: ingest.drug_names(store, files=from_ or (), advance=advance),
        False, quiet, format, "cli status",
    )  # fmt: skip


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
    _run(
        lambda advance: ingest.omics(
            store, file, kind, name=name, share=share, new_genes=new_genes, reject_rows=reject_rows,
            advance=advance,
        ),
        reject_rows, quiet, format, "cli status",
    )  # fmt: skip


def _run(
    load: Callable[[Advance], Report], reject_rows: bool, quiet: bool, format: Format, next_command: str
) -> None:
    """Load with a bar of progress, print."""
    import time

    started = time.perf_counter()
    from pharmagraph.ingest.rejections import write
    from pharmagraph.ingest.report import print_report
    from pharmagraph.kg.console import progress

    with progress(quiet or format is not Format.table) as bar:
        task = bar.add_task("reading", total=None, note="")
        begun: float | None = None

        def advance(what: str, done: int, total: int) -> None:
            nonlocal begun
            begun = begun or time.perf_counter()
            rate = done / max(time.perf_counter() - begun, 1e-9)
            note = f"{rate:,.0f} rows/s" if done else ""
            bar.update(task, description=what, completed=done, total=total, note=note)

        report = load(advance)
    rejected = report.bundle.rejected
    print_report(
        report,
        format,
        seconds=time.perf_counter() - started,
        rejected_file=write(rejected, report.bundle.name) if reject_rows and rejected else None,
        next_command=next_command,
    )
