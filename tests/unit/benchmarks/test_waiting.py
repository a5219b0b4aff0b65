"""The table of waiting times is printed for a store; the times themselves are not judged here."""

from __future__ import annotations

import pytest

from benchmarks import waiting
from pharmagraph.kg.store import open_store
from tests.graphs import fill_everything


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Read by every test, written by none."""
    url = f"ladybug://{tmp_path_factory.mktemp('filled')}/graph.lbug"
    with open_store(url) as graph:
        fill_everything(graph)
    return url


def test_a_row_has_wall_and_processor_seconds_and_memory(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting.main(["--store", store, "--times", "1", "--row", "export graphml"])
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 5
    name, command, wall, processor, peak = table[-1].strip("| ").split(" | ")
    assert (name, command) == ("export graphml", "`cli export graphml {out}`")
    assert float(processor) > 0
    assert float(wall) > 0
    assert float(peak.replace(",", "")) > 10


def test_a_command_that_fails_is_told_in_its_row(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    waiting.main(["--store", f"{store}.not-there", "--times", "1", "--row", "status"])
    assert "failed: error: there is no store at" in capsys.readouterr().out


def test_a_row_that_is_not_there_is_refused(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        waiting.main(["--store", store, "--row", "nope"])
    assert "no row nope; there are: demo; predict, known pair" in capsys.readouterr().err
