"""`cli export …`: the graph, or a part of it, in another tool's form; `cli copy`: one store into another."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pharmagraph.kg.commands.choosing import choosing
from pharmagraph.kg.commands.status import FormatOption, Quiet, Store
from pharmagraph.kg.console import Format, note, print_rows, progress
from pharmagraph.kg.help import Sections

if TYPE_CHECKING:
    from pharmagraph.kg.heterograph import Heterograph
    from pharmagraph.kg.store import GraphStore
    from pharmagraph.kg.subgraph import Choice

T = TypeVar("T")

app = typer.Typer(
    help="The graph, or a part of it, in another tool's form.", cls=Sections, no_args_is_help=True
)

Folder = Annotated[Path, typer.Argument(help="A new folder for the files.")]


class Reader(StrEnum):
    """Whose GraphML it is."""

    any = "any"
    cytoscape = "cytoscape"
    gephi = "gephi"


@app.command(rich_help_panel="For training", epilog="Example: cli export heterograph folder")
@choosing(runs=False)
def heterograph(
    folder: Annotated[Path, typer.Argument(help="Where graph.safetensors and nodes.parquet go.")],
    choice: Choice,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """The graph that training reads: tensors as safetensors, ids of nodes as Parquet."""
    from pharmagraph.kg.heterograph import save

    heterograph = _read(store, choice)
    save(heterograph, folder)
    _print_parts(heterograph, format)
    if format is Format.table:
        print(f'Next, in Python: pharmagraph.kg.heterograph.load(Path("{folder}"))')


@app.command(rich_help_panel="For training", epilog="Example: cli export arrays folder")
def arrays(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder for manifest.json and the arrays.")
    ],
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Edges by destination as .npy files that are mapped, not loaded: a graph of any size, in little memory."""
    from pharmagraph.kg.heterograph import write_arrays

    with progress(quiet or format is not Format.table) as bar:
        task = bar.add_task("counting", total=None, note="")

        def advance(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        counts = _of_store(store, lambda source: write_arrays(source, folder, advance=advance))
    _print_counts({part: n for part, n in counts.items() if n}, format)
    if format is Format.table:
        print(f'Next, in Python: pharmagraph.kg.heterograph.open_arrays(Path("{folder}"))')


@app.command(rich_help_panel="For training", epilog="Example: cli export dgl folder --around lapatinib")
@choosing(runs=False)
def dgl(
    folder: Annotated[Path, typer.Argument(help="Where graph.bin (DGL's format) and ids.json go.")],
    choice: Choice,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """A dgl.DGLHeteroGraph with typed features, and the ids of its nodes (needs DGL, so Python 3.11)."""
    from pharmagraph.kg.heterograph.dgl import require_dgl, write_dgl

    require_dgl()  # before the graph is read
    heterograph = _read(store, choice)
    write_dgl(heterograph, folder)
    _print_parts(heterograph, format)
    if format is Format.table:
        print(f'Next, in Python: dgl.load_graphs("{folder / "graph.bin"}")[0][0]')


@app.command(rich_help_panel="For training", epilog="Example: cli export pyg graph.pt")
@choosing(runs=False)
def pyg(
    path: Annotated[Path, typer.Argument(help="File of the HeteroData, such as graph.pt.")],
    choice: Choice,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """A torch_geometric.data.HeteroData with the same features (needs torch-geometric)."""
    from pharmagraph.kg import folders
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.heterograph import to_pyg

    heterograph = _read(store, choice)
    data = to_pyg(heterograph)
    import torch

    with folders.whole(path) as place, place.open("wb") as file:
        try:
            torch.save(data, file)
        except RuntimeError as error:  # torch's own, as on a full disk
            why = str(error.__context__ or error).splitlines()[0]
            raise InputError(f"cannot write {path} ({why}); free space or change folder") from None
    _print_parts(heterograph, format)
    if format is Format.table:
        print(f'Next, in Python: torch.load("{path}", weights_only=False)')


@app.command(rich_help_panel="To look at", epilog="Example: cli export networkx graph.json")
@choosing()
def networkx(
    path: Annotated[Path, typer.Argument(help="File of the graph as node-link JSON.")],
    choice: Choice,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """A networkx.MultiDiGraph as node-link JSON."""
    from pharmagraph.kg.views import write_node_link

    _print_counts(_of_store(store, lambda source: write_node_link(source, path, choice)), format)
    if format is Format.table:
        print(f'Next, in Python: networkx.node_link_graph(json.load(open("{path}")), edges="edges")')


@app.command(
    rich_help_panel="To look at",
    epilog="Example: cli export graphml erlotinib.graphml --around erlotinib --hops 1 --for gephi",
)
@choosing()
def graphml(
    path: Annotated[Path, typer.Argument(help="File, such as graph.graphml.")],
    choice: Choice,
    reader: Annotated[
        Reader, typer.Option("--for", help="Who reads it: names, weights and escapes are as it needs them.")
    ] = Reader.any,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """GraphML, for Cytoscape, Gephi and yEd."""
    from pharmagraph.kg import markup
    from pharmagraph.kg.views import DIALECTS, write_graphml

    counts = _of_store(store, lambda source: write_graphml(source, path, choice, dialect=DIALECTS[reader]))
    changed = counts.pop("texts changed")
    _print_counts(counts, format)
    if changed:
        note(
            f"{changed:,} texts hold control characters, which XML does not allow; each is {markup.REPLACEMENT} "
            f"in {path}"
            if reader is not Reader.cytoscape
            else f'{changed:,} texts hold control characters or "]]>", which Cytoscape does not read; they are '
            f"replaced in {path}"
        )


@app.command(
    rich_help_panel="To look at", epilog="Example: cli export cyjs erlotinib.cyjs --around erlotinib --hops 1"
)
@choosing()
def cyjs(
    path: Annotated[Path, typer.Argument(help="File, such as graph.cyjs.")],
    choice: Choice,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Cytoscape JSON, for Cytoscape and cytoscape.js."""
    from pharmagraph.kg.views import write_cytoscape_json

    _print_counts(_of_store(store, lambda source: write_cytoscape_json(source, path, choice)), format)


@app.command(rich_help_panel="For other knowledge graphs", epilog="Example: cli export kgx folder --jsonl")
@choosing()
def kgx(
    folder: Folder,
    choice: Choice,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="JSON lines in place of TSV.")] = False,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """KGX nodes.tsv and edges.tsv in the terms of the Biolink model."""
    from pharmagraph.kg.views import write_kgx

    _print_counts(
        _of_store(store, lambda source: write_kgx(source, folder, choice, json_lines=jsonl)), format
    )


@app.command(
    rich_help_panel="For other knowledge graphs",
    epilog="Example: cli export turtle graph.ttl --drug erlotinib",
)
@choosing()
def turtle(
    path: Annotated[Path, typer.Argument(help="File, such as graph.ttl.")],
    choice: Choice,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """RDF in Turtle, in the terms of the Biolink model."""
    from pharmagraph.kg.views import write_turtle

    _print_counts(_of_store(store, lambda source: write_turtle(source, path, choice)), format)


@app.command(rich_help_panel="For other knowledge graphs", epilog="Example: cli export biocypher folder")
@choosing()
def biocypher(
    folder: Folder,
    choice: Choice,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """A schema configuration for BioCypher, and the nodes and edges that it takes."""
    from pharmagraph.kg.views import write_biocypher

    _print_counts(_of_store(store, lambda source: write_biocypher(source, folder, choice)), format)


@app.command(rich_help_panel="As tables", epilog="Example: cli export csv folder")
@choosing()
def csv(
    folder: Folder,
    choice: Choice,
    spreadsheet: Annotated[
        bool,
        typer.Option(
            "--spreadsheet", help="An apostrophe before texts that a spreadsheet would run as formulas."
        ),
    ] = False,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """One CSV file a label and an edge kind."""
    from pharmagraph.kg.views import write_csv

    _print_counts(
        _of_store(store, lambda source: write_csv(source, folder, choice, spreadsheet=spreadsheet)), format
    )


@app.command(rich_help_panel="As tables", epilog="Example: cli export parquet folder")
@choosing()
def parquet(
    folder: Folder,
    choice: Choice,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """One Parquet file a label and an edge kind, with types and lists."""
    from pharmagraph.kg.views import write_parquet

    _print_counts(_of_store(store, lambda source: write_parquet(source, folder, choice)), format)


@app.command("neo4j-import", rich_help_panel="As tables", epilog="Example: cli export neo4j-import folder")
@choosing()
def neo4j_import(
    folder: Folder,
    choice: Choice,
    database: Annotated[str, typer.Option(help="Name of the database to be filled.")] = "neo4j",
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Files and the command for `neo4j-admin database import full`, into an empty server."""
    from pharmagraph.kg.neo4j.bulk_import import export

    done = _of_store(store, lambda source: export(source, folder, choice, database=database))
    _print_counts({"nodes": done.nodes, "edges": done.edges, "files": done.files}, format)
    if format is Format.table:
        print(f"Next, with the server stopped: sh {folder / 'import.sh'}")


def copy(
    source: Annotated[str, typer.Argument(help="Store to read, such as ladybug://pharmagraph.lbug.")],
    target: Annotated[str, typer.Argument(help="Store to fill, such as bolt://localhost:7687.")],
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Copy a whole graph into another store, embedded or Neo4j; twice changes nothing."""
    from pharmagraph.kg.copy import copy as copy_graph
    from pharmagraph.kg.store import open_store

    with open_store(source, read_only=True) as from_, open_store(target) as to, progress(quiet) as bar:
        task = bar.add_task("copy", total=sum(from_.counts().values()), note="")

        def advance(kind: str, rows: int) -> None:
            bar.update(task, advance=rows, note=kind)

        done = copy_graph(from_, to, advance=advance)
        url = to.url
    rows = [
        {
            "kind": c.kind,
            "inserted": c.change.inserted,
            "updated": c.change.updated,
            "unchanged": c.change.unchanged,
        }
        for c in done
        if c.change.total
    ]
    print_rows(rows, format)
    if format is Format.table:
        note(f"Next: cli status --store {url}")


def _of_store(store: str | None, make: Callable[[GraphStore], T]) -> T:
    """What is made of a store, which is opened for reading as long."""
    from pharmagraph.kg.store import open_store

    with open_store(store, read_only=True) as source:
        return make(source)


def _read(store: str | None, choice: Choice) -> Heterograph:
    """The part of a store's graph that the options of an export choose."""
    from pharmagraph.kg.heterograph import export

    return _of_store(
        store,
        lambda graph: export(
            graph,
            datasets=choice.datasets,
            drugs=choice.drugs,
            genes=choice.genes,
            tissues=choice.tissues,
            around=choice.around,
            hops=choice.hops,
        ),
    )


def _print_parts(heterograph: Heterograph, format: Format) -> None:
    counts = {kind: len(ids) for kind, ids in sorted(heterograph.ids.items())}
    counts |= {"-".join(edge_type): len(edges) for edge_type, edges in sorted(heterograph.relations.items())}
    _print_counts({part: n for part, n in counts.items() if n}, format)


def _print_counts(counts: dict[str, int], format: Format) -> None:
    print_rows([{"part": part, "count": n} for part, n in counts.items()], format)
