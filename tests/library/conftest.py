"""The page about the library, run once: its store and its run serve the other tests."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pharmagraph import Run, open_store

PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"


def blocks(page: Path = PAGE) -> list[str]:
    """The Python of the page, block by block."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder that the page's code worked in, and the names that it left."""
    folder, before = tmp_path_factory.mktemp("page"), Path.cwd()
    names: dict[str, Any] = {}
    os.chdir(folder)
    try:
        for number, block in enumerate(blocks()):
            exec(compile(block, f"docs/library.md, block {number + 1}", "exec"), names)
    finally:
        os.chdir(before)
    return folder, names


@pytest.fixture
def run(page: tuple[Path, dict[str, Any]]) -> Iterator[Run]:
    """The page's run, with its store open for reading."""
    with open_store(f"ladybug://{page[0] / 'screen.lbug'}", read_only=True) as store:
        yield Run.open(store)
