"""The notebooks of the documentation run from the first cell to the last, and show what they say."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.library.conftest import blocks

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))

pytestmark = pytest.mark.once


def shown(book: Any, code: str) -> dict[str, str]:
    """What the first cell with some code shows, by kind."""
    cell = next(cell for cell in book.cells if cell.cell_type == "code" and code in cell.source)
    return next(output.data for output in cell.outputs if "data" in output)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs a notebook in a new folder."""

    def execute(name: str) -> Any:
        book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        folder = tmp_path_factory.mktemp(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OMP_NUM_THREADS", "1")
            patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
            patch.setenv("IPYTHONDIR", str(folder / "ipython"))
            patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
            NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
        return book

    return execute


def test_there_are_three_and_they_are_kept_without_what_they_printed() -> None:
    assert NOTEBOOKS == ["first-steps", "new-compound", "own-screen"]
    for name in NOTEBOOKS:
        book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        nbformat.validate(book)
        assert not any(cell.get("outputs") for cell in book.cells)


def test_first_steps_show_cards_and_figures(run: Any) -> None:
    book = run("first-steps")
    card = shown(book, 'drug = store.drug("synthetic-drug-0001")')
    assert "<svg" in card["text/html"] and "Drug synthetic-drug-0001" in card["text/plain"]
    assert "application/vnd.plotly.v1+json" in shown(book, 'drug.plot("responses")')
    assert "<table" in shown(book, "run.predict(")["text/html"]


def test_a_new_compound_is_predicted(run: Any) -> None:
    book = run("new-compound")
    assert "probability" in shown(book, "run.predict(smiles=smiles")["text/html"]


def test_an_own_screen_is_loaded_and_explained(run: Any) -> None:
    book = run("own-screen")
    assert "576" in shown(book, "pg.ingest.tables")["text/html"]
    assert "cell lines in" in shown(book, 'store.drug("LAB-101")')["text/plain"]
    assert "gene" in shown(book, "why.genes")["text/plain"]


def test_the_code_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(FOLDER.parent / "notebooks.md")
    names: dict[str, Any] = {}
    exec(compile(code, "docs/notebooks.md", "exec"), names)
    assert capsys.readouterr().out.startswith("Drug synthetic-drug-0001\n")
    assert len(names["figure"].data) and len(names["responses"])
