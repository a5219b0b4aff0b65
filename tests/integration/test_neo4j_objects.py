"""The py2neo object view on a real server."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.store import open_store
from tests.unit.cypher.test_queries import fill

pytestmark = pytest.mark.neo4j
DOCS = Path(__file__).resolve().parents[2] / "docs" / "neo4j.md"


def test_a_drug_knows_its_targets_its_attention_and_its_responses(neo4j_url: str, tmp_path: Path) -> None:
    from pharmagraph.kg.neo4j import objects

    with open_store(neo4j_url) as store:
        fill(store, tmp_path)
    graph = objects.connect(neo4j_url)
    drug = objects.find(graph, objects.Drug, "Erlotinib")
    assert drug.id == "ERLOTINIB"
    assert [gene.id for gene in drug.targets] == ["EGFR"]
    assert {cell_line.id for cell_line in drug.tested_on} == {"A549", "HT29"}
    attended = [(g.id, e["rank"]) for g, e in objects.related(graph, drug, "attends") if e["run_id"] == "r1"]
    assert attended == [("EGFR", 1), ("KRAS", 2), ("MYC", 3)]
    cell_line = objects.find(graph, objects.CellLine, "A549")
    assert [gene.id for gene, _ in objects.related(graph, cell_line, "attends")][:1] == ["MYC"]
    assert {d.id for d in objects.find(graph, objects.Gene, "EGFR").targeted_by} == {"ERLOTINIB", "GEFITINIB"}
    with pytest.raises(NotFoundError, match="aspirin"):
        objects.find(graph, objects.Drug, "aspirin")


def test_the_notebook_example_of_the_docs_gives_what_it_says(neo4j_url: str, tmp_path: Path) -> None:
    with open_store(neo4j_url) as store:
        fill(store, tmp_path)
    text = DOCS.read_text().partition("```python\n")[2].partition("```")[0]
    assert ">>>" in text
    example = doctest.DocTestParser().get_doctest(
        text.replace("bolt://localhost:7687", neo4j_url), {}, "docs/neo4j.md", str(DOCS), 0
    )
    assert doctest.DocTestRunner().run(example).failed == 0


def test_routing_is_refused_since_py2neo_cannot() -> None:
    from pharmagraph.kg.neo4j import objects

    with pytest.raises(InputError, match="bolt://"):
        objects.connect("neo4j://localhost:7687")
