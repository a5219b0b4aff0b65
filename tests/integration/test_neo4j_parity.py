"""Neo4j beside the embedded store: the same rows for every named query, and copies with nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import pharmagraph.cli as cli
from pharmagraph.cypher import catalogue
from pharmagraph.kg import check, runs
from pharmagraph.kg.backup import back_up, require_same, restore
from pharmagraph.kg.copy import copy
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import NODES
from pharmagraph.kg.store import GraphStore, open_store
from tests.graphs import everything, fill_everything
from tests.unit.cypher.test_queries import ANSWERS, OF_BOTH, fill
from tests.unit.kg.test_keeping import sound
from tests.unit.kg.test_runs import DRUG_GENE, edge, store

pytestmark = pytest.mark.neo4j

LABELS = [kind.label for kind in NODES]
__all__ = ["sound", "store"]  # fixtures
OTHERS = {"evidence": {"drug": "erlotinib", "gene": "egfr"}}
"""Parameters of queries whose rows are not worked out by hand elsewhere."""


def test_every_named_query_gives_the_same_rows_on_both_engines(neo4j_url: str, tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as embedded, open_store(neo4j_url) as server:
        fill(embedded, tmp_path / "embedded")
        fill(server, tmp_path / "server")
        for name, query in catalogue.catalogue().items():
            asked = [of[name][0] for of in (ANSWERS, OF_BOTH) if name in of] or [OTHERS[name]]
            runs = [{}, {"run": "r3"}] if "run" in {p.name for p in query.parameters} else [{}]
            answered = 0
            for given in (given | run for given in asked for run in runs):
                tables = [catalogue.run(store, name, given) for store in (embedded, server)]
                assert tables[0].column_names == tables[1].column_names, name
                rows = [table.to_pylist() for table in tables]
                assert rows[0] == rows[1], name
                answered += len(rows[0])
            assert answered > 0, query.usage


def test_a_copy_there_and_back_loses_nothing(neo4j_url: str, tmp_path: Path) -> None:
    urls = [f"ladybug://{tmp_path}/first.lbug", neo4j_url, f"ladybug://{tmp_path}/second.lbug"]
    with open_store(urls[0]) as first, open_store(urls[1]) as server, open_store(urls[2]) as second:
        fill_everything(first)
        copy(first, server)
        copy(server, second)
        before = everything(first)
        assert all(table.num_rows for table in before.values())
        for key, table in everything(second).items():
            assert table.to_pylist() == before[key].to_pylist(), key
        again = copy(first, server)
        assert sum(c.change.inserted + c.change.updated for c in again) == 0


def test_the_copy_command_says_what_it_wrote(neo4j_url: str, tmp_path: Path) -> None:
    source = f"ladybug://{tmp_path}/first.lbug"
    with open_store(source) as first:
        fill_everything(first)
        counts = first.counts()
    result = CliRunner().invoke(cli.app, ["copy", source, neo4j_url, "--format", "csv"])
    assert result.exit_code == 0, result.output
    assert "Drug-TARGETS-Gene,2,0,0" in result.output
    with open_store(neo4j_url, read_only=True) as server:
        assert server.counts() == counts


def test_a_backup_of_a_server_comes_back_into_it(neo4j_url: str, tmp_path: Path, sound: GraphStore) -> None:
    with open_store(neo4j_url) as server:
        copy(sound, server)
        assert check.check(server) == []
        back_up(server, tmp_path / "kept")
        server.upsert_edges("TARGETS", DRUG_GENE, edge("D2", "G2"))
        assert [one.problem for one in check.check(server)] == [
            "another number of Drug-TARGETS-Gene than was loaded"
        ]
        server.remove([], {label: server.read_nodes(label, ["id"])["id"].to_pylist() for label in LABELS})
        assert not any(server.counts().values())
    _, counts = restore(tmp_path / "kept", neo4j_url, tmp_path / "runs")
    assert counts["runs"] == 1
    with open_store(neo4j_url, read_only=True) as server:
        require_same(sound, server)
        assert Path(runs.find(server, "r1")["folder"]) == tmp_path / "runs" / "r1"


def test_a_store_is_not_copied_onto_itself(tmp_path: Path) -> None:
    with (
        open_store(f"ladybug://{tmp_path}/graph.lbug") as store,
        pytest.raises(InputError, match="onto itself"),
    ):
        copy(store, store)
