"""A command that finds no rows says what to do next."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pharmagraph import ingest
from pharmagraph.cypher.catalogue import catalogue
from pharmagraph.cypher.empty import MAKERS, needed
from pharmagraph.kg.layers import LAYERS
from pharmagraph.kg.store import open_store
from tests.cli.typed import typed


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A screen without targets, interactions or runs."""
    folder = tmp_path_factory.mktemp("screen")
    (folder / "responses.csv").write_text("drug,cell_line,ln_ic50\nA,X,1\nA,Y,2\nB,X,2\nB,Y,0\n")
    (folder / "drugs.csv").write_text("drug,smiles\nA,CCO\nB,CCN\n")
    (folder / "expression.csv").write_text("cell_line,gene,value\nX,EGFR,1\nY,EGFR,2\nX,TP53,4\nY,TP53,1\n")
    url = f"ladybug://{folder / 'a.lbug'}"
    ingest.tables(url, folder)
    return url


@pytest.fixture
def emptied(store: str, tmp_path: Path) -> str:
    url = f"ladybug://{tmp_path / 'empty.lbug'}"
    with open_store(url) as graph:
        graph.create_schema()
    return url


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (
            ("query", "targeted-by", "gene=EGFR"),
            "no edges TARGETS, which it asks for; next: cli ingest targets",
        ),
        (("query", "drivers", "cell_line=X"), "cli ingest omics FILE --kind mutation"),
        (("query", "gene-pathways", "gene=EGFR"), "next: cli ingest pathways"),
        (("query", "tested-drugs", "cell_line=X", "limit=0"), "usage: cli query tested-drugs"),
        (("query", "--cypher", "MATCH (d:Drug {id: 'NONE'}) RETURN d.id"), "cli status"),
        (("runs", "list"), "next: cli train"),
        (("status",), "Runs: no rows; next: cli train"),
    ],
)
def test_a_screen_without_what_is_asked_for(store: str, words: tuple[str, ...], way: str) -> None:
    ran = typed(*words, environment={"PHARMAGRAPH_STORE": store})
    assert ran.returncode == 0, ran.stderr
    (line,) = [line for line in ran.stdout.splitlines() if "no rows" in line]
    assert way in line


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (("status",), "Datasets: no rows; next: cli ingest gdsc"),
        (("ingest", "history"), "next: cli ingest tables FOLDER"),
        (("query", "coverage"), "cli "),
    ],
)
def test_an_empty_graph(emptied: str, words: tuple[str, ...], way: str) -> None:
    ran = typed(*words, environment={"PHARMAGRAPH_STORE": emptied})
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stdout.splitlines() if "no rows" in line]
    assert any(way in line for line in lines) and all("cli " in line for line in lines)


@pytest.mark.parametrize("name", catalogue())
def test_every_kind_of_edges_that_a_query_asks_for_has_a_command_that_makes_it(name: str) -> None:
    text = catalogue()[name].text
    types = {type_ for found in re.findall(r"\[\w*:([A-Z_|]+)", text) for type_ in found.split("|")}
    assert types <= MAKERS.keys()
    assert {type_ for types in needed(text) for type_ in types} <= types


def test_edges_that_a_query_asks_whether_they_are_there_are_not_needed() -> None:
    """Attention is what it needs; whether the gene is a known target is only told."""
    assert needed(catalogue()["interaction-paths"].text) == [("ATTENDS",), ("INTERACTS_WITH",)]


def test_every_layer_has_a_command() -> None:
    assert {layer.edges for layer in LAYERS} <= MAKERS.keys()
