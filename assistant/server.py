"""Registers the tools, a tool a named query, and the resources with the protocol's own server, and runs it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

from pharmagraph.cypher import catalogue
from pharmagraph.cypher.catalogue import Query
from pharmagraph.kg.errors import InputError, PharmagraphError
from pharmagraph.kg.store import open_store
from pharmagraph.tools import Answer, Tools

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

INSTRUCTIONS = """\
A drug-response knowledge graph: drugs, genes, cell lines, measured responses, known targets, and the predictions and
attention of trained runs. Ask find for the exact name first. A named query (a tool for each) is surer than Cypher of
your own. Attention, contributions and predictions are hypotheses from one screen: say so when you report them, and
tell measured values from predicted ones. Nothing can be written."""


def make_server(store_url: str | None) -> MCPServer[Any]:
    """The server with everything that it offers; it is not started.

    Parameters
    ----------
    store_url
        As `open_store` takes it; opened anew for each question, so that other processes can write between.

    Raises
    ------
    InputError
        If the package `mcp` is not installed.
    StoreError
        If the store cannot be opened now.
    """
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError:
        raise InputError("the package mcp is missing; install pharmagraph[assistant]") from None
    from mcp_types import ToolAnnotations

    open_store(store_url, read_only=True).close()
    tools = Tools(store_url)
    server: MCPServer[Any] = MCPServer("pharmagraph", instructions=INSTRUCTIONS, log_level="ERROR")
    reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)

    def offer(function: Callable[..., Answer], name: str, about: str) -> None:
        server.add_tool(_in_one_line(function), name=name, description=about, annotations=reads)

    for tool in (
        tools.describe,
        tools.find,
        tools.node,
        tools.neighbours,
        tools.predict,
        tools.explain,
        tools.what_if,
        tools.compare,
        tools.suggest,
        tools.cypher,
    ):
        offer(tool, tool.__name__, inspect.getdoc(tool) or "")
    for query in catalogue.catalogue().values():
        offer(_asking(tools, query), query.name.replace("-", "_"), _about(query))
    server.resource("pharmagraph://schema", name="schema", mime_type="text/markdown")(tools.schema)
    server.resource("pharmagraph://queries", name="queries", mime_type="text/markdown")(catalogue.markdown)
    return server


def serve(store_url: str | None) -> None:
    """Answer a client on standard input and output until it hangs up; errors as `make_server`."""
    make_server(store_url).run("stdio")


def _in_one_line(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """The function, whose errors reach the client as the one line that a user would see."""
    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(function)
    def answered(*args: Any, **given: Any) -> Answer:
        try:
            return function(*args, **given)
        except PharmagraphError as error:
            raise ToolError(str(error)) from None

    signature = inspect.signature(function, eval_str=True)
    answered.__signature__ = signature  # type: ignore[attr-defined]
    answered.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()} | {
        "return": Answer
    }
    del answered.__wrapped__
    return answered


def _asking(tools: Tools, query: Query) -> Callable[..., Answer]:
    """A function with the parameters of a named query."""
    from pydantic import Field

    def ask(**given: Any) -> Answer:
        return tools.query(query.name, given)

    parameters = []
    for p in query.parameters:
        required = p.default is None
        about = p.about if required or not p.default else f"{p.about}; default {p.default}"
        parameters.append(
            inspect.Parameter(
                p.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if required else None,
                annotation=Annotated[p.annotation, Field(description=about)],
            )
        )
    required_first = sorted(parameters, key=lambda p: p.default is None)
    ask.__signature__ = inspect.Signature(required_first, return_annotation=Answer)  # type: ignore[attr-defined]
    return ask


def _about(query: Query) -> str:
    columns = ", ".join(f"{name} ({type_})" for name, type_ in query.columns.items())
    return f"{query.about} Columns: {columns}."
