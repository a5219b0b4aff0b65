"""Applies schema changes on Neo4j in batches that can be repeated, and records the version last."""

from __future__ import annotations

from collections.abc import Sequence

from pharmagraph.kg import schema
from pharmagraph.kg.neo4j import schema as neo4j_schema
from pharmagraph.kg.neo4j.sessions import Connection
from pharmagraph.kg.schema_changes import FillProperty, RenameProperty, ReplaceProperty, SchemaChange, is_node

BATCH = 20_000


def version(url: str) -> int | None:
    """The schema version of the graph at a URL; None if there is no graph."""
    connection = Connection(url, read_only=True)
    try:
        return neo4j_schema.version(connection)
    finally:
        connection.close()


def lacking(url: str) -> list[str]:
    """Names of constraints and indexes that the database does not have."""
    connection = Connection(url, read_only=True)
    try:
        return neo4j_schema.lacking(connection)
    finally:
        connection.close()


def apply(url: str, changes: Sequence[SchemaChange]) -> None:
    """Apply changes, create missing constraints and indexes, and record this version."""
    connection = Connection(url)
    try:
        for change in changes:
            if isinstance(change, RenameProperty):  # a property or kind without values needs nothing here
                _move(connection, change, f"x.{change.old}")
            elif isinstance(change, ReplaceProperty):
                _move(connection, change, change.value)
            elif isinstance(change, FillProperty):
                _fill(connection, change)
        neo4j_schema.prepare(connection)
        neo4j_schema.record(connection, schema.VERSION)
    finally:
        connection.close()


def _fill(connection: Connection, change: FillProperty) -> None:
    """Set a property of edges wherever it has no value."""
    source, target = change.ends
    text = (
        f"MATCH (:{source})-[x:{change.of}]->(:{target}) WHERE x.{change.name} IS NULL WITH x LIMIT {BATCH} "
        f"SET x.{change.name} = $value"
    )
    while connection.change(text, value=change.value).properties_set:
        pass


def _move(connection: Connection, change: RenameProperty | ReplaceProperty, value: str) -> None:
    """Set the new property to a Cypher value wherever the old one has a value, and remove the old one."""
    pattern = f"(x:{change.of})" if is_node(change.of) else f"()-[x:{change.of}]->()"
    text = (
        f"MATCH {pattern} WHERE x.{change.old} IS NOT NULL WITH x LIMIT {BATCH} "
        f"SET x.{change.name} = {value} REMOVE x.{change.old}"
    )
    while connection.change(text).properties_set:
        pass
