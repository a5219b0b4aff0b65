"""`cli export …`: the graph, or a part of it, in another tool's form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.commands import FormatOption, Store
from kg.console import Format, print_rows

app = typer.Typer(help="The graph, or a part of it, in another tool's form.", no_args_is_help=True)


@app.command()
def dgl(
    folder: Annotated[Path, typer.Argument(help="Where graph.bin (DGL's format) and ids.json go.")],
    dataset: Annotated[
        list[str] | None, typer.Option(help="Keep responses of this dataset; repeatable.")
    ] = None,
    drug: Annotated[list[str] | None, typer.Option(help="Keep this drug; repeatable.")] = None,
    tissue: Annotated[
        list[str] | None, typer.Option(help="Keep cell lines of this tissue; repeatable.")
    ] = None,
    around: Annotated[
        str | None, typer.Option(help="Keep what is near this drug, gene or cell line.")
    ] = None,
    hops: Annotated[int, typer.Option(min=0, help="With --around: edges away from it at most.")] = 2,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """A dgl.DGLHeteroGraph with typed features, and the ids of its nodes."""
    from kg.heterograph import export, save
    from kg.store import open_store

    with open_store(store, read_only=True) as graph:
        heterograph = export(graph, datasets=dataset, drugs=drug, tissues=tissue, around=around, hops=hops)
    save(heterograph, folder)
    nodes = [{"part": n, "count": heterograph.graph.num_nodes(n)} for n in heterograph.graph.ntypes]
    edges = [
        {"part": "-".join(e), "count": heterograph.graph.num_edges(e)}
        for e in heterograph.graph.canonical_etypes
    ]
    print_rows([row for row in nodes + edges if row["count"]], format)
    if format is Format.table:
        print(f'Next, in Python: kg.heterograph.load(Path("{folder}")).graph')
