"""The files for neo4j-admin, imported by the real tool into an empty server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pharmagraph.kg import copy
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.migrations import migrate
from pharmagraph.kg.neo4j import bulk_import as bulk
from pharmagraph.kg.store import open_store
from tests.graphs import everything, fill_everything
from tests.store import neo4j_server

pytestmark = pytest.mark.neo4j


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, bulk.Import]]:
    monkeypatch.setattr(copy, "BLOCK_EDGES", 1)  # so that a kind of two edges makes two parts
    url = f"ladybug://{tmp_path}/graph.lbug"
    with open_store(url) as store:
        fill_everything(store)
        yield url, bulk.export(store, tmp_path / "import")


def test_an_imported_graph_equals_the_exported(export: tuple[str, bulk.Import], tmp_path: Path) -> None:
    url, files = export
    assert (tmp_path / "import" / "Drug-TARGETS-Gene-0002.csv").is_file()
    server, login = neo4j_server.new_server(tmp_path / "server"), neo4j_server.new_login()
    done = server.admin(files.arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (server.admin(["dbms", "set-initial-password", login.password])).returncode == 0
    try:
        server.start(login)
        with neo4j_server.environment(login):
            migrate(server.url)
            with open_store(url) as before, open_store(server.url) as after:
                expected = everything(before)
                for key, table in everything(after).items():
                    assert table.to_pylist() == expected[key].to_pylist(), key
                assert after.counts() == before.counts()
    finally:
        server.stop()


def test_a_folder_with_files_in_it_is_left_alone(export: tuple[str, bulk.Import], tmp_path: Path) -> None:
    with open_store(export[0]) as store, pytest.raises(InputError, match="not empty"):
        bulk.export(store, tmp_path / "import")


def test_the_script_quotes_its_arguments(export: tuple[str, bulk.Import], tmp_path: Path) -> None:
    script = (tmp_path / "import" / "import.sh").read_text()
    assert "neo4j-admin database import full neo4j" in script
    assert export[1].edges == script.count("--relationships=") * 2
