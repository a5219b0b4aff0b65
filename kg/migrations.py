"""Migrates a store from an older schema version to this one, on either engine; a dry run lists the changes.

The stores themselves refuse a graph of a newer version. The changes of each version are in `kg.schema_changes`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pharmagraph.kg import schema
from pharmagraph.kg.errors import SchemaVersionError
from pharmagraph.kg.schema_changes import CHANGES, SchemaChange
from pharmagraph.kg.store import DEFAULT_URL, URL_VARIABLE


@dataclass(frozen=True)
class Plan:
    """What a migration changes, or has changed.

    Attributes
    ----------
    url
        URL of the store, without credentials.
    found
        Its schema version before the migration.
    changes
        The changes in order; empty if the store has this version.
    lacking
        Names of the constraints and indexes that are missing and get created, as after a bulk import; empty
        for the embedded store.
    of_engine
        What happens to the format of the embedded store's file; None if nothing.
    """

    url: str
    found: int
    changes: Sequence[SchemaChange]
    lacking: Sequence[str]
    of_engine: str | None = None


def migrate(url: str | None, *, dry_run: bool = False) -> Plan:
    """Bring a store to this version of the schema.

    Idempotent: the same call finishes a migration that was cut off. On Neo4j it also creates missing
    constraints and indexes, as after a bulk import.

    Parameters
    ----------
    url
        As `kg.store.open_store` takes it.
    dry_run
        Change nothing.

    Raises
    ------
    SchemaVersionError
        If the store holds no graph, or one of a newer version.
    """
    url = url or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    if url.startswith("ladybug:"):
        from pharmagraph.kg.ladybug import migration as engine
    else:
        from pharmagraph.kg.neo4j import migration as engine  # type: ignore[no-redef]
    of_engine = engine.of_engine(url) if url.startswith("ladybug:") else None
    found = engine.version(url)
    if found is None:
        raise SchemaVersionError(f"{url} holds no graph to migrate; fill it with: cli ingest")
    if found > schema.VERSION:
        raise SchemaVersionError(
            f"{url} was written by schema version {found}, this program knows version {schema.VERSION}; "
            "update pharmagraph"
        )
    changes = [change for change in CHANGES if found < change.version <= schema.VERSION]
    if not dry_run and of_engine:
        engine.upgrade(url)
    plan = Plan(url, found, changes, engine.lacking(url), of_engine)
    if not dry_run:
        engine.apply(url, plan.changes)
    return plan
