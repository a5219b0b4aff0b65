"""Neo4j for the integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store import neo4j_server


@pytest.fixture
def neo4j_url() -> Iterator[str]:
    """The URL of a database without nodes, with its credentials in the environment."""
    with neo4j_server.empty_database() as url:
        yield url
