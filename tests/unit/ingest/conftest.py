"""A small graph that loads are added to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pharmagraph import ingest
from pharmagraph.kg.store import GraphStore, open_store


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("screen") / "graph.lbug"
    ingest.synthetic(f"ladybug://{path}", drugs=6, cells=8, genes=10)
    return path


@pytest.fixture
def store(screen: Path, tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{shutil.copy(screen, tmp_path)}") as opened:
        yield opened
