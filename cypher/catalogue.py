"""Reads the named queries, resolves their parameters, and runs them on any store.

Parameters are always bound, never formatted into the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pharmagraph.kg import names, run_register
from pharmagraph.kg.errors import InputError, NotFoundError, shortened
from pharmagraph.kg.store import GraphStore

if TYPE_CHECKING:
    import pyarrow as pa

_PARAMETER = re.compile(r"^(?P<name>\w+): (?P<type>\w+), (?P<about>.*?)(?:; default (?P<default>.*))?$")
_BOUND = re.compile(r"\$(\w+)")

LABELS = {"drug": "Drug", "gene": "Gene", "cell_line": "CellLine"}
"""Parameter type that names a node → the node's label."""
TOPICS = (
    "Genes of a drug",
    "Drugs of a gene",
    "A drug",
    "A cell line",
    "A drug on a cell line",
    "Tissues",
    "Pathways",
    "The graph and its runs",
)
"""What queries are about, in the order in which they are listed."""
LARGEST = 2**63 - 1
"""A whole number that both engines take."""
TYPES = ("drug", "gene", "cell_line", "run", "string", "integer", "float")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a query.

    Attributes
    ----------
    name, about
        As in the header.
    type
        One of `TYPES`. A node is found by any of its names, and its id is bound; likewise a run.
    default
        The default as text; None if the parameter is required.
    """

    name: str
    type: str
    about: str
    default: str | None

    @property
    def annotation(self) -> Any:
        """The Python type of its value, of which None takes the default where there is one."""
        type_: Any = {"integer": int, "float": float}.get(self.type, str)
        return type_ if self.default is None else type_ | None


@dataclass(frozen=True)
class Query:
    """A named query.

    Attributes
    ----------
    name, topic, about
        As in the header; the topic is one of `TOPICS`.
    parameters
        In the order of the header.
    columns
        Column → its type, such as ``float``.
    text
        The Cypher, valid on every store.
    """

    name: str
    topic: str
    about: str
    parameters: tuple[Parameter, ...]
    columns: dict[str, str]
    text: str

    @property
    def usage(self) -> str:
        """``name param=TYPE …``, with optional parameters in brackets."""
        words = [f"{p.name}={p.type.upper()}" for p in self.parameters]
        optional = [p.default is not None for p in self.parameters]
        return " ".join([self.name, *(f"[{w}]" if o else w for w, o in zip(words, optional, strict=True))])


@cache
def catalogue() -> dict[str, Query]:
    """Every query in ``cypher/queries`` by name, in the order of topics, then of names."""
    folder = files("pharmagraph.cypher") / "queries"
    found = (
        read(path.name, path.read_text(encoding="utf-8"))
        for path in folder.iterdir()
        if path.name.endswith(".cypher")
    )
    return {
        query.name: query
        for query in sorted(found, key=lambda query: (TOPICS.index(query.topic), query.name))
    }


def read(file: str, content: str) -> Query:
    """Parse a query file.

    Raises
    ------
    InputError
        If the header is incomplete, or its parameters are not those of the text.
    """
    header: dict[str, list[str]] = {}
    lines = content.splitlines()
    body = [line for line in lines if not line.startswith("//")]
    for line in lines:
        if line.startswith("//"):
            key, _, value = line[2:].strip().partition(" " if line[2:].strip().startswith("param ") else ":")
            header.setdefault(key.strip(), []).append(value.strip())
    for key in ("name", "topic", "about", "columns"):
        if len(header.get(key, [])) != 1:
            raise InputError(f"{file}: its header needs one line // {key}: …")
    if header["topic"][0] not in TOPICS:
        raise InputError(f'{file}: its topic "{header["topic"][0]}" is none of {", ".join(TOPICS)}')
    parameters = tuple(_parameter(file, line) for line in header.get("param", []))
    text = "\n".join(body).strip()
    bound, listed = set(_BOUND.findall(text)), {p.name for p in parameters}
    if bound != listed:
        raise InputError(f"{file}: its header and its text differ in parameters {sorted(bound ^ listed)}")
    columns = dict(column.strip().split(" ", 1) for column in header["columns"][0].split(","))
    return Query(header["name"][0], header["topic"][0], header["about"][0], parameters, columns, text)


def _parameter(file: str, line: str) -> Parameter:
    match = _PARAMETER.match(line)
    if match is None or match["type"] not in TYPES:
        raise InputError(
            f'{file}: "// param {line}" is not NAME: TYPE, text; default VALUE (TYPE of {TYPES})'
        )
    return Parameter(match["name"], match["type"], match["about"], match["default"])


def run(store: GraphStore, name: str, given: Mapping[str, str]) -> pa.Table:
    """Run a named query; parameters and errors as `bound`."""
    return store.query(*bound(store, name, given))


def rows(store: GraphStore, name: str, given: Mapping[str, str]) -> list[dict[str, Any]]:
    """Run a named query as `run` does; each row by column, without loading Arrow."""
    return store.rows(*bound(store, name, given))


def bound(
    store: GraphStore, name: str, given: Mapping[str, str], ids: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, dict[str, Any]]:
    """The text of a named query and its parameters as the store takes them.

    Parameters
    ----------
    store
        An open store.
    name
        Name of the query.
    given
        Parameter → its value as text; a node may be given by any of its names.
    ids
        Parameter → id of a node that the caller has looked up already.

    Raises
    ------
    NotFoundError
        If there is no such query, node or run.
    InputError
        If a parameter is missing, unknown or of the wrong type.
    """
    queries = catalogue()
    if name not in queries:
        raise NotFoundError("query", name, queries, "see: cli query --list")
    query = queries[name]
    listed = {p.name for p in query.parameters}
    for key in (*given, *ids):
        if key not in listed:
            takes = ", ".join(p.name for p in query.parameters) or "none"
            raise InputError(f'query {name} has no parameter "{shortened(key)}"; it takes {takes}')
    return query.text, {
        p.name: ids[p.name] if p.name in ids else _bind(store, query, p, given.get(p.name))
        for p in query.parameters
    }


def _bind(store: GraphStore, query: Query, parameter: Parameter, text: str | None) -> Any:
    if text is None and parameter.default is None:
        raise InputError(f"query {query.name} needs {parameter.name}=…; usage: cli query {query.usage}")
    if parameter.type == "run":
        return run_register.find(store, text)["id"]
    value = text if text is not None else str(parameter.default)
    if parameter.type in LABELS:
        return node_id(store, parameter.type, value)
    if parameter.type == "string":
        return value
    try:
        number: int | float = int(value) if parameter.type == "integer" else float(value)
    except ValueError:
        kind = "a whole number" if parameter.type == "integer" else "a number"
        raise InputError(
            f'query {query.name}, parameter {parameter.name}: "{shortened(value)}" is not {kind}'
        ) from None
    if parameter.type == "integer" and not 0 <= number <= LARGEST:
        wrong = "negative; use 0 or more" if number < 0 else "too large; leave it out for the default"
        raise InputError(f'query {query.name}, parameter {parameter.name}: "{shortened(value)}" is {wrong}')
    return number


def node_id(store: GraphStore, kind: str, name: str) -> str:
    """The id of a drug, gene or cell line that has a name.

    Parameters
    ----------
    kind
        A key of `LABELS`.
    name
        Any of its names; case and punctuation do not matter.

    Raises
    ------
    NotFoundError
        If no node has the name; the message offers the nearest names.
    AmbiguousNameError
        If several nodes have it.
    """
    return names.index(store, LABELS[kind]).require(name, "see: cli query coverage")


def parse(words: list[str]) -> dict[str, str]:
    """Parse words of the form ``key=value``.

    Raises
    ------
    InputError
        If a word has no ``=``, or a key is repeated.
    """
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise InputError(
                f'"{shortened(word)}" is not key=value; quote values with spaces, as in drug="Nutlin 3a"'
            )
        if key in given:
            raise InputError(f'"{shortened(key)}" is given twice')
        given[key] = value
    return given


def literal(text: str) -> Any:
    """A parameter of free Cypher: an integer, a float, true, false or null if the text is one, or else the text."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "null": None}.get(text.lower(), text)


def markdown() -> str:
    """The text of ``docs/queries.md``."""
    lines = [
        "# Named queries",
        "",
        "The same text runs on every store. `python -m pharmagraph.cypher.catalogue > docs/queries.md` writes this "
        "page; a test fails when it is stale.",
        "",
    ]
    topic = ""
    for query in catalogue().values():
        if query.topic != topic:
            topic = query.topic
            lines += [f"## {topic}", ""]
        lines += [f"### {query.name}", "", query.about, "", f"    cli query {query.usage}", ""]
        for p in query.parameters:
            lines.append(
                f"- `{p.name}` ({p.type}): {p.about}" + (f"; default {p.default}" if p.default else "")
            )
        lines += ["", "Returns " + ", ".join(f"`{c}` ({t})" for c, t in query.columns.items()) + ".", ""]
        lines += ["```cypher", query.text, "```", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown(), end="")
