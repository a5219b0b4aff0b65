"""Cypher, paths and options that are typed as names are text in every argument of every query, route, tool and command.

Routes and tools are made from the same functions, and the explorer's routes of queries from the named queries.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pharmagraph.cypher import catalogue
from pharmagraph.explorer.api import routes
from pharmagraph.explorer.app import page_at
from pharmagraph.kg.errors import PharmagraphError
from pharmagraph.kg.store import GraphStore, open_store
from tests.cli.typed import typed

INJECTIONS = (
    "') MATCH (n) DETACH DELETE n //",
    "'}) DETACH DELETE d WITH 1 AS x MATCH (g:Gene {id: '",
    '"; MATCH (n) DETACH DELETE n; //',
    "x' OR 1=1 OR 'x'='",
    "\\' CREATE (:Gene {id: 'injected'}) //",
    "\\u0027}) CREATE (:Gene {id: 'injected'}) //",
    "`}) SET d.name = 'injected' //",
    "$drug",
    "../../../etc/passwd",
    "file:///etc/passwd",
    "$(touch injected)",
    "--store=ladybug://injected.lbug",
)
NUMBERS = ("integer", "float", "boolean")
COMMANDS = (
    "query responses drug={}", "query top-genes drug={} run={}", "predict --drug={} --cell={}",
    "explain --drug={} --cell={}", "report --drug={}", "runs show {}", "runs promote {}", "runs delete --yes {}",
    "ingest remove {}", "export graphml out.graphml --around={}", "suggest --run={}", "enrich --literature --drug={}",
)  # fmt: skip


@pytest.fixture
def unchanged(small: Path) -> Iterator[str]:
    """The URL of a store whose rows are the same afterwards."""
    url = f"ladybug://{small}"
    before = _rows(url)
    yield url
    assert _rows(url) == before
    assert not [path for path in small.parent.rglob("*") if "injected" in path.name]


def _rows(url: str) -> Any:
    with open_store(url, read_only=True) as store:
        nodes = {label: store.read_nodes(label, ["id"])["id"].to_pylist() for label in ("Drug", "Gene")}
        return store.counts(), nodes, store.read_nodes("Drug", ["name"])["name"].to_pylist()


def _values(kind: str, text: str) -> Any:
    return "1" if kind in NUMBERS else text


def test_no_parameter_of_a_named_query_is_cypher(unchanged: str) -> None:
    asked = 0
    with open_store(unchanged, read_only=True) as store:
        for name, query in catalogue.catalogue().items():
            for text in INJECTIONS:
                if any(p.type not in NUMBERS for p in query.parameters):
                    asked += _answered(store, name, {p.name: _values(p.type, text) for p in query.parameters})
    assert asked > 20 * len(INJECTIONS)


def _answered(store: GraphStore, name: str, given: dict[str, Any]) -> int:
    try:
        table = catalogue.run(store, name, given)
    except PharmagraphError:
        return 1
    assert table.num_rows <= 1, (name, given)  # a count of nothing, and not what the text asks for
    return 1


def test_no_argument_of_a_route_or_tool_is_cypher(unchanged: str) -> None:
    answered = 0
    for route in routes(unchanged):
        if route.path == "/cypher":  # which takes Cypher that reads: tests/store/test_query.py
            continue
        for text in INJECTIONS[:6]:
            for value in (text, [text]):
                named = dict.fromkeys(route.model.model_fields, value)
                required = {name: f for name, f in route.model.model_fields.items() if f.is_required()}
                for given in (named, dict.fromkeys(required, value)):
                    try:
                        model = route.model.model_validate(given)
                    except ValidationError:
                        continue
                    answered += 1
                    with suppress(PharmagraphError):
                        route.answer(**{name: getattr(model, name) for name in route.model.model_fields})
    assert answered > 200


def test_no_address_of_a_page_is_cypher(unchanged: str) -> None:
    for text in INJECTIONS[:6]:
        quoted = urllib.parse.quote(text, safe="")
        for kind in ("drug", "gene", "cell-line", "pathway", "tissue", "runs", "query"):
            assert page_at(unchanged, f"/{kind}/{quoted}", "").title
        assert page_at(unchanged, "/search", f"?q={quoted}").title
        assert page_at(unchanged, "/network", f"?node=Drug:{quoted}").title


@pytest.mark.once
def test_no_argument_of_a_command_is_cypher_a_path_or_an_option(unchanged: str) -> None:
    for line in COMMANDS:
        for text in (INJECTIONS[0], INJECTIONS[4], INJECTIONS[8]):
            done = typed(*(word.replace("{}", text) for word in line.split()))
            assert done.returncode in (1, 2), (line, done.stdout)
            assert "Traceback" not in done.stderr and "root:" not in done.stdout, (line, done.stderr)
