"""From an older schema version to this one, on either engine, on request; a dry run lists the changes.

A newer graph is refused by the stores themselves. Each version states its changes here, and nothing else
in the project knows of former schemas.
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
        The store, without credentials.
    found
        Its version before.
    changes
        In order; none when it is at this version.
    lacking
        Names of constraints and indexes that are made, as after a bulk import; none on the embedded store.
    """

    url: str
    found: int
    changes: Sequence[SchemaChange]
    lacking: Sequence[str]


def migrate(url: str | None, *, dry_run: bool = False) -> Plan:
    """Bring a store to this version of the schema.

    Idempotent: what was cut off is finished by the same call. On Neo4j it also makes constraints and
    indexes that lack, as after a bulk import.

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
    found = engine.version(url)
    if found is None:
        raise SchemaVersionError(f"{url} holds no graph to migrate; fill it with: cli ingest")
    if found > schema.VERSION:
        raise SchemaVersionError(
            f"{url} was written by schema version {found}, this program knows version {schema.VERSION}; "
            "update pharmagraph"
        )
    changes = [change for change in CHANGES if found < change.version <= schema.VERSION]
    plan = Plan(url, found, changes, engine.lacking(url))
    if not dry_run:
        engine.apply(url, plan.changes)
    return plan
