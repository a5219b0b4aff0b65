"""`cli query`: a named query or free read-only Cypher, printed as rows."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.console import Format, print_rows
from pharmagraph.kg.errors import QueryError
from pharmagraph.kg.free_cypher import LimitError, Limits, ask

LIMITS = Limits()

Store = Annotated[
    str | None,
    typer.Option("--store", envvar="PHARMAGRAPH_STORE", help="The store's URL; see: cli status --help."),
]

COMPLETED = {
    "drug": completion.drugs,
    "gene": completion.genes,
    "cell_line": completion.cell_lines,
    "run": completion.runs,
}
"""Type of a parameter → what completes its values."""


def _queries(ctx: Any, incomplete: str) -> list[str]:
    """Names of queries."""
    from pharmagraph.cypher import catalogue

    return [name for name in sorted(catalogue.catalogue()) if name.startswith(incomplete)]


def _parameters(ctx: Any, incomplete: str) -> list[str]:
    """The parameters of the query that was typed; after ``KEY=`` names that it takes."""
    from pharmagraph.cypher import catalogue

    query = catalogue.catalogue().get(ctx.params.get("name") or "")
    if query is None:
        return []
    key, equals, value = incomplete.partition("=")
    if not equals:
        return [f"{p.name}=" for p in query.parameters if p.name.startswith(key)]
    type_ = next((p.type for p in query.parameters if p.name == key), "")
    complete = COMPLETED.get(type_)
    return [f"{key}={name}" for name in complete(ctx, value)] if complete else []


def query(
    name: Annotated[
        str | None, typer.Argument(help="A named query; see --list.", autocompletion=_queries)
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Its parameters.", autocompletion=_parameters),
    ] = None,
    cypher: Annotated[
        str | None, typer.Option("--cypher", help="Read-only Cypher instead of a named query.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="The named queries and their parameters.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the query's Cypher and do not run it.")] = False,
    store: Store = None,
    format: Annotated[Format, typer.Option("--format", help="How rows are printed.")] = Format.table,
    wide: Annotated[
        bool, typer.Option("--wide", help="All columns on one line a row, however narrow the terminal is.")
    ] = False,
    most_rows: Annotated[
        int, typer.Option("--rows", min=1, help="With --cypher: rows that an answer may have.")
    ] = LIMITS.rows,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=1e6, help="With --cypher: time that it may take.")
    ] = LIMITS.seconds,
    memory: Annotated[
        float, typer.Option(min=0.1, max=1e6, help="With --cypher: gigabytes that it may take (on Linux).")
    ] = LIMITS.memory,
) -> None:
    """Ask the graph: a named query with key=value parameters, or Cypher of your own."""
    from pharmagraph.cypher import catalogue, empty
    from pharmagraph.kg.errors import InputError, NotFoundError
    from pharmagraph.kg.store import open_store

    queries = catalogue.catalogue()
    if list_:
        listing = [{"topic": q.topic, "query": q.usage, "about": q.about} for q in queries.values()]
        if format is not Format.table:
            print_rows(listing, format)
            return
        for topic in catalogue.TOPICS:
            listed = [row for row in listing if row["topic"] == topic]
            print_rows(listed, columns=("query", "about"), title=topic, wide=wide)
        return
    if show and name is not None:
        if name not in queries:
            raise NotFoundError("query", name, queries, "see: cli query --list")
        print(queries[name].text)
        return
    words = list(parameters or [])
    if cypher is not None and name is not None:
        words.insert(0, name)  # with --cypher every word is a parameter
        name = None
    if cypher is None and name is None:
        raise InputError("nothing asked; name a query (cli query --list) or pass --cypher")
    given = catalogue.parse(words)
    way = ""
    if cypher is not None:
        values = {key: catalogue.literal(value) for key, value in given.items()}
        found, columns = _asked(store, cypher, values, Limits(most_rows, seconds, memory))
        way = "nothing fits what was asked; see what the graph has: cli status"
    else:
        with open_store(store, read_only=True) as graph:
            found = catalogue.rows(graph, str(name), given)
            way = "" if found else empty.next_step(graph, queries[str(name)])
        columns = list(queries[str(name)].columns)
    print_rows(found, format, columns=columns, title=None if found else name, wide=wide, empty=way)


def _asked(
    store: str | None, cypher: str, values: dict[str, Any], limits: Limits
) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows and columns of Cypher of the user's own; an answer that is too large is refused, not cut."""
    try:
        answer = ask(store, cypher, values, limits)
    except LimitError as error:
        raise QueryError(f"{error}, or raise the limit: --{error.limit}") from None
    if answer.are_more:
        raise QueryError(
            f"the answer has more than {limits.rows:,} rows; end the query with LIMIT, or raise the limit: --rows"
        )
    return answer.rows, list(answer.columns)
