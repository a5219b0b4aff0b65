"""The tools, asked by the protocol's own client: the library's answers, refusals in one line, and nothing written."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mcp import Client, StdioServerParameters, stdio_client

import pharmagraph as pg
from benchmarks.transcript import shortened, transcript
from pharmagraph.assistant.server import make_server
from pharmagraph.cypher import catalogue
from pharmagraph.kg.errors import QueryError
from pharmagraph.kg.schema_check import require_known

pytestmark = pytest.mark.once

T = TypeVar("T")
DRUG, LINE = "synthetic-drug-0001", "synthetic-line-0001"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a small screen without a run."""
    url = f"ladybug://{tmp_path_factory.mktemp('screen') / 'graph.lbug'}"
    with pg.open_store(url) as graph:
        pg.ingest.synthetic(graph, drugs=12, cells=16, genes=40)
    return url


def done(work: Coroutine[Any, Any, T]) -> T:
    """The outcome of work that waits; in a thread, since a browser's event loop may run in the tests' own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def asked(store: str, tool: str, **given: Any) -> tuple[bool, Any]:
    """Whether a tool refused, and what it said."""

    async def ask() -> tuple[bool, Any]:
        async with Client(make_server(store)) as client:
            result = await client.call_tool(tool, given)
            return result.is_error, result.content[0].text if result.is_error else result.structured_content

    return done(ask())


def test_over_pipes_a_client_finds_each_query_and_asks_one(store: str) -> None:
    async def session() -> tuple[list[Any], list[str], str, Any]:
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "pharmagraph.cli", "mcp", "--store", store]
        )
        async with Client(stdio_client(command)) as client:
            tools = (await client.list_tools()).tools
            uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
            schema = (await client.read_resource("pharmagraph://schema")).contents[0].text
            answer = await client.call_tool("responses", {"drug": DRUG, "limit": 3})
            return tools, uris, schema, answer.structured_content

    tools, uris, schema, answer = done(session())
    named = {name.replace("-", "_") for name in catalogue.catalogue()}
    assert {tool.name for tool in tools} == named | {
        "describe", "find", "node", "neighbours", "predict", "explain", "what_if", "compare", "suggest", "cypher",
    }  # fmt: skip
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools)
    assert uris == ["pharmagraph://schema", "pharmagraph://queries"]
    assert "## TESTED_ON" in schema
    with pg.open_store(store, read_only=True) as graph:
        expected = pg.query(graph, "responses", drug=DRUG, limit=3)
    assert json.loads(expected.to_json(orient="records", double_precision=15)) == [
        pytest.approx(row) for row in answer["rows"]
    ]


def test_a_parameter_of_a_query_has_its_type_and_its_meaning(store: str) -> None:
    tools = done(make_server(store).list_tools())
    schema = next(tool.input_schema for tool in tools if tool.name == "shared_genes")
    assert schema["required"] == ["first", "second"]
    assert "name, alias or id" in schema["properties"]["first"]["description"]
    assert {"type": "integer"} in schema["properties"]["limit"]["anyOf"]


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("known_targets", {"drug": "no such drug"}, 'no drug "no such drug" in the graph'),
        ("responses", {"drug": DRUG, "limit": -1}, '"-1" is negative'),
        ("explain", {"drug": DRUG}, "cli train --promote"),
        ("predict", {"cell_lines": ["/etc/passwd"]}, 'no cell line "/etc/passwd"'),
        ("predict", {"cell_lines": [LINE], "expression": {"EGFR": 1.0}}, "both cell_lines and expression"),
        ("compare", {"by": "/etc/passwd"}, 'by is "/etc/passwd"'),
        ("cypher", {"text": "MATCH (d:Drugs) RETURN d"}, 'no label "Drugs"; did you mean Drug'),
        ("cypher", {"text": "MATCH (d:Drug) DETACH DELETE d"}, "read"),
        ("cypher", {"text": "LOAD FROM '/etc/passwd' RETURN *"}, "LOAD"),
        ("cypher", {"text": "MATCH (d:Drug) WHERE d.id = $id RETURN d.id"}, "$id"),
        ("cypher", {"text": ""}, "empty"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(
    store: str, tool: str, given: dict[str, Any], said: str
) -> None:
    refused, text = asked(store, tool, **given)
    assert refused and said in text
    assert "\n" not in text.strip() and "Traceback" not in text


def test_more_rows_than_an_answer_has_are_refused(store: str) -> None:
    refused, text = asked(store, "find", text="x", limit=10**9)
    assert refused and "less than or equal to 200" in text


def test_a_name_with_cypher_in_it_is_text(store: str) -> None:
    with pg.open_store(store, read_only=True) as graph:
        before = graph.counts()
    refused, text = asked(store, "known_targets", drug="') MATCH (n) DETACH DELETE n //")
    assert refused and "no drug" in text
    with pg.open_store(store, read_only=True) as graph:
        assert graph.counts() == before


def test_a_long_answer_says_that_there_is_more(store: str) -> None:
    refused, answer = asked(store, "cypher", text="UNWIND range(1, 300) AS n RETURN n")
    assert not refused
    assert len(answer["rows"]) == 200 and answer["more"]


def test_a_store_that_is_not_there_is_said_before_the_server_starts(tmp_path: Path) -> None:
    with pytest.raises(pg.errors.StoreError, match=r"nowhere\.lbug"):
        make_server(f"ladybug://{tmp_path / 'nowhere.lbug'}")


@pytest.mark.parametrize(
    "cypher",
    [
        "MATCH (d:Drug {id: 'x:y'})-[t:TESTED_ON]->(c:CellLine) WHERE t.ln_ic50 < 0 RETURN c.name, d.`name`",
        "MATCH (d)-[a:ATTENDS|TARGETS]->(g:Gene) RETURN a.weight, g.name // g.nonsense",
        "MATCH (d:Drug) WITH d AS x RETURN x.whatever, size(x.name), 1.5",
        "MATCH (g:Gene)-[:INTERACTS_WITH*1..2]-(o:Gene) RETURN 'n.nonsense (a:B)'",
    ],
)
def test_words_that_the_schema_has_pass(cypher: str) -> None:
    require_known(cypher)


@pytest.mark.parametrize(
    ("cypher", "said"),
    [
        ("MATCH (d:drug) RETURN d", 'no label "drug"; did you mean Drug'),
        ("MATCH (d:Drug)-[:TREATS]->(c) RETURN c", 'no relationship type "TREATS"'),
        ("MATCH (d:Drug)-[t:TESTED_ON]->() RETURN t.ic50", 't has no property "ic50"; did you mean ln_ic50'),
        ("MATCH (g:Gene) WHERE g.symbol = 'EGFR' RETURN g", 'g has no property "symbol"; there are'),
        ("MATCH (d:Drug)-[:TARGETS|HITS*1..2]->(g) RETURN g", 'no relationship type "HITS"'),
    ],
)
def test_a_word_that_the_schema_has_not_is_named_with_the_nearest(cypher: str, said: str) -> None:
    with pytest.raises(QueryError) as refused:
        require_known(cypher)
    assert said in str(refused.value)


def test_a_transcript_has_the_calls_and_answers_of_each_question(store: str) -> None:
    said = done(transcript(store, ["What is in this graph?", "Can you delete all drugs?"]))
    assert "## What is in this graph?" in said and "`describe` {}" in said
    assert said.count("The answer holds what the question asks for.") == 2
    assert '"counts"' in said and shortened({"rows": list(range(9)), "x": 0.123456}).count("more") == 1
