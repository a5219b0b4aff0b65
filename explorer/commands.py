"""`cli serve`: parses, calls one function."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg.commands.status import Store


def serve(
    store: Store = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8050,
    host: Annotated[
        str, typer.Option(help="Address of this machine to answer at; beyond 127.0.0.1 a token is needed.")
    ] = "127.0.0.1",
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Make a token, printed once within the address.")
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token, which nobody else may read; or set PHARMAGRAPH_TOKEN."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM file of a certificate: encrypt what is sent; with --key.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="PEM file of the certificate's private key, which nobody else may read."),
    ] = None,
    browser: Annotated[
        bool, typer.Option(help="Open the browser at it, where no token is asked for.")
    ] = True,
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Let its pages promote and delete runs, once confirmed.")
    ] = False,
) -> None:
    """Look at the graph and its runs in a browser; nothing comes from elsewhere, and it only reads unless told."""
    from pharmagraph.explorer.server import serve as run_server
    from pharmagraph.explorer.tokens import token_for
    from pharmagraph.kg.errors import InputError

    token = token_for(host, new=new_token, file=token_file)
    if (certificate is None) != (key is None):
        raise InputError("--certificate and --key belong together; give both or neither")
    encrypted_by = None if certificate is None or key is None else (certificate, key)
    run_server(
        store,
        port,
        browser=browser,
        host=host,
        token=token,
        allow_write=allow_write,
        encrypted_by=encrypted_by,
    )
