"""One suite for two engines: every test that takes ``url`` or ``store`` runs on each.

Neo4j takes part where ``tests/store/neo4j_server.py`` can give it: its ``empty_database()`` is a context manager
that yields the URL of a database without nodes, or skips.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.kg.schema import Ends
from pharmagraph.kg.store import GraphStore, open_store

EXPRESSES: tuple[str, Ends] = ("EXPRESSES", ("CellLine", "Gene"))
TARGETS: tuple[str, Ends] = ("TARGETS", ("Drug", "Gene"))


def _engines() -> list[object]:
    engines: list[object] = ["ladybug"]
    if importlib.util.find_spec("tests.store.neo4j_server") is not None:
        engines.append(pytest.param("neo4j", marks=pytest.mark.neo4j))
    return engines


@pytest.fixture(params=_engines())
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store."""
    if request.param == "ladybug":
        yield f"ladybug://{tmp_path}/graph.lbug"
    else:
        from tests.store import neo4j_server

        with neo4j_server.empty_database() as address:
            yield address


@pytest.fixture
def store(url: str) -> Iterator[GraphStore]:
    """A store with the schema and no nodes."""
    with open_store(url) as graph:
        graph.create_schema()
        yield graph


@pytest.fixture
def small(store: GraphStore) -> GraphStore:
    """Three drugs, two cell lines, four genes, and edges between them."""
    store.upsert_nodes(
        "Drug",
        pa.table(
            {
                "id": ["ERLOTINIB", "GEFITINIB", "NUTLIN3A"],
                "name": ["Erlotinib", "Gefitinib", "Nutlin-3a (-)"],
                "aliases": pa.array([["Tarceva", "OSI-774"], None, []], pa.list_(pa.string())),
                "max_phase": pa.array([4, 4, None], pa.int64()),
            }
        ),
    )
    store.upsert_nodes("CellLine", pa.table({"id": ["A549", "HT29"], "name": ["A549", "HT-29"]}))
    store.upsert_nodes("Gene", pa.table({"id": ["EGFR", "KRAS", "MDM2", "TP53"]}))
    store.upsert_edges(
        *EXPRESSES,
        pa.table(
            {
                "src": ["HT29", "A549", "A549"],
                "dst": ["EGFR", "TP53", "EGFR"],
                "z": [1.5, -2.0, 2.5],
                "dataset": ["GDSC"] * 3,
            }
        ),
    )
    store.upsert_edges(
        *TARGETS,
        pa.table(
            {
                "src": ["ERLOTINIB", "ERLOTINIB", "NUTLIN3A"],
                "dst": ["EGFR", "EGFR", "MDM2"],
                "source": ["curated", None, "curated"],
                "dataset": ["targets", "other", "targets"],
            }
        ),
    )
    return store
