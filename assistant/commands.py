"""`cli mcp`: parses, calls one function."""

from __future__ import annotations

from pharmagraph.kg.commands.status import Store


def mcp(store: Store = None) -> None:
    """Answer an assistant by the Model Context Protocol, on standard input and output; nothing is written."""
    from pharmagraph.assistant.server import serve

    serve(store)
