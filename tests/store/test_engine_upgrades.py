"""Files that earlier engines wrote are opened, brought to this engine's format and compared; later ones are refused.

Each file in `engines/` holds ``cli ingest synthetic --drugs 12 --cells 10 --genes 30``, of the engine in its name.
"""

from __future__ import annotations

import logging
import lzma
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pharmagraph.kg import migrations
from pharmagraph.kg.backup import require_same
from pharmagraph.kg.commands import db
from pharmagraph.kg.errors import StoreError
from pharmagraph.kg.ladybug import migration
from pharmagraph.kg.ladybug.file_format import MARK, OWN, file_format
from pharmagraph.kg.store import open_store

ENGINES = Path(__file__).parent / "engines"
VERSIONS = ("0.21.2", "0.20.4", "0.19.1")


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return _unpacked(request.param, tmp_path / "graph.lbug")


def _unpacked(version: str, place: Path) -> Path:
    place.write_bytes(lzma.decompress((ENGINES / f"ladybug-{version}.xz").read_bytes()))
    return place


def test_reading_leaves_an_older_file_as_it_is(old: Path) -> None:
    before = old.read_bytes()
    with open_store(f"ladybug://{old}", read_only=True) as store:
        assert store.counts()["Drug"] == 12
        assert store.counts()["CellLine"] == 10
    assert old.read_bytes() == before


def test_migrate_says_what_happens_and_keeps_every_row(old: Path, tmp_path: Path) -> None:
    other = tmp_path / "as-written.lbug"
    other.write_bytes(old.read_bytes())
    found, url = file_format(old), f"ladybug://{old}"
    assert found is not None and found < OWN
    cli = CliRunner()
    app = typer.Typer()
    app.add_typer(db.app, name="db")
    dry = cli.invoke(app, ["db", "migrate", "--dry-run", "--store", url])
    assert f"format {found} becomes {OWN}" in " ".join(dry.output.split())
    assert file_format(old) == found
    done = cli.invoke(app, ["db", "migrate", "--store", url])
    assert done.exit_code == 0, done.output
    assert file_format(old) == OWN
    assert sorted(file.name for file in tmp_path.iterdir()) == ["as-written.lbug", "graph.lbug"]
    with (
        open_store(url, read_only=True) as migrated,
        open_store(f"ladybug://{other}", read_only=True) as written,
    ):
        require_same(written, migrated)
    assert file_format(other) == found
    assert "nothing to change" in cli.invoke(app, ["db", "migrate", "--store", url]).output


def test_a_write_to_an_older_file_says_that_its_format_changes(
    old: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "pharmagraph.store"), open_store(f"ladybug://{old}"):
        pass
    assert f"becomes {OWN}" in caplog.text
    assert file_format(old) == OWN


def test_a_file_that_would_differ_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = _unpacked("0.20.4", tmp_path / "graph.lbug")
    before, found = old.read_bytes(), migration._rows_by_table

    def one_row_less(path: Path) -> list[tuple[str, int, int]]:
        return [(name, n - (path == old), total) for name, n, total in found(path)]

    monkeypatch.setattr(migration, "_rows_by_table", one_row_less)
    with pytest.raises(StoreError, match="put back"):
        migrations.migrate(f"ladybug://{old}")
    assert old.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["graph.lbug"]


def test_an_upgrade_that_was_cut_off_is_finished_and_never_undoes_a_later_write(tmp_path: Path) -> None:
    store = _unpacked("0.20.4", tmp_path / "graph.lbug")
    copy = _unpacked("0.20.4", tmp_path / "graph.lbug.before")
    plan = migrations.migrate(f"ladybug://{store}", dry_run=True)
    assert plan.of_engine == "an upgrade that was cut off is finished"
    migrations.migrate(f"ladybug://{store}")
    assert file_format(store) == OWN and not copy.exists()
    _unpacked("0.20.4", copy)
    with open_store(f"ladybug://{store}") as graph:
        datasets = graph.read_nodes("Dataset", ["id"])["id"].to_pylist()
        graph.delete_edges("TESTED_ON", ("Drug", "CellLine"), equals={"dataset": datasets})
    with pytest.raises(StoreError, match="compare both"):
        migrations.migrate(f"ladybug://{store}")
    with open_store(f"ladybug://{store}", read_only=True) as graph:
        assert graph.counts()["Drug-TESTED_ON-CellLine"] == 0
    assert copy.exists()


def test_a_file_of_a_newer_engine_is_refused_with_both_formats(tmp_path: Path) -> None:
    file = tmp_path / "graph.lbug"
    file.write_bytes(MARK + (OWN + 2).to_bytes(8, "little") + bytes(4096))
    for read_only in (True, False):
        with pytest.raises(StoreError, match=f"format {OWN + 2} of a newer engine.*up to {OWN}"):
            open_store(f"ladybug://{file}", read_only=read_only)
