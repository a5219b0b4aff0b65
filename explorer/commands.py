"""`cli serve`: parses, calls one function."""

from __future__ import annotations

from typing import Annotated

import typer

from pharmagraph.kg.commands.status import Store


def serve(
    store: Store = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 8050,
    browser: Annotated[bool, typer.Option(help="Open the browser at it.")] = True,
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Let its pages promote and delete runs, once confirmed.")
    ] = False,
) -> None:
    """Look at the graph and its runs in a browser; nothing leaves this machine, and it only reads unless told."""
    from pharmagraph.explorer.server import serve as run_server

    run_server(store, port, browser=browser, allow_write=allow_write)
