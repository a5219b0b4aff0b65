"""Creates constraints and indexes in a Neo4j database, records the schema version, and removes the graph again.

A database may hold other data, too: labels, constraints and indexes of others are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import neo4j

from pharmagraph.kg.errors import SchemaVersionError, StoreError
from pharmagraph.kg.neo4j import statements as cypher
from pharmagraph.kg.neo4j.sessions import Connection, run
from pharmagraph.kg.schema import NODES, VERSION, edge_tables

BATCH = 20_000


def version(connection: Connection) -> int | None:
    """The schema version that wrote the graph; None if the database holds no pharmagraph graph."""
    rows = connection.rows(f"MATCH (v:{cypher.VERSION_LABEL} {{id: 'schema'}}) RETURN v.version")
    return int(rows[0][0]) if rows else None


def require_version(connection: Connection) -> None:
    """Refuse a graph of another schema version.

    Raises
    ------
    SchemaVersionError
        Saying which version is needed, and the command that migrates an older graph.
    """
    found = version(connection)
    if found is not None and found > VERSION:
        raise SchemaVersionError(
            f"{connection.url} was written by schema version {found}, this program knows version {VERSION}; "
            "update pharmagraph, or use another database"
        )
    if found is not None and found < VERSION:
        raise SchemaVersionError(
            f"{connection.url} was written by schema version {found}, this program needs version {VERSION}; "
            f"see what would change with: cli db migrate --dry-run --store {connection.url}"
        )


def create(connection: Connection) -> None:
    """Create constraints and indexes, and record the version last; does nothing if it is recorded.

    Raises
    ------
    StoreError
        If the database has nodes of one of the schema's labels that pharmagraph did not make.
    """
    if version(connection) is not None:
        require_version(connection)
        return
    connection.require_writable()
    _refuse_foreign_nodes(connection)
    prepare(connection)
    record(connection, VERSION)


def prepare(connection: Connection) -> None:
    """Create the missing constraints and indexes, and wait until the indexes are online."""
    for text in (*cypher.constraints().values(), *cypher.indexes().values()):
        connection.change(text)
    connection.rows("CALL db.awaitIndexes(300)")


def lacking(connection: Connection) -> list[str]:
    """Names of the schema's constraints and indexes that the database does not have."""
    there = _names(connection, "CONSTRAINTS") | _names(connection, "INDEXES")
    return [name for name in (*cypher.constraints(), *cypher.indexes()) if name not in there]


def _names(connection: Connection, what: str) -> set[str]:
    return {row[0] for row in connection.rows(f"SHOW {what} YIELD name RETURN name")}


def record(connection: Connection, number: int) -> None:
    """Record the schema version."""
    connection.change(
        f"MERGE (v:{cypher.VERSION_LABEL} {{id: 'schema'}}) SET v.version = $version", version=number
    )


def _refuse_foreign_nodes(connection: Connection) -> None:
    for kind in NODES:
        count = connection.rows(f"MATCH (n:{kind.label}) RETURN count(n)")[0][0]
        if count:
            raise StoreError(
                f"{connection.url} has {count:,} {kind.label} nodes that pharmagraph did not make "
                "and that would mix with ours; use an empty database, or one without that label"
            )


@dataclass(frozen=True)
class Dropped:
    """What `drop` removed, and the nodes that it kept because they have relationships of other types."""

    nodes: int
    edges: int
    constraints: int
    indexes: int
    kept: int


def drop(connection: Connection, *, detach: bool = False) -> Dropped:
    """Remove the edges, nodes, constraints and indexes of the schema, and nothing else.

    Parameters
    ----------
    detach
        Also delete relationships of other types that others attached to these nodes. Otherwise such nodes are
        kept, and the constraints and indexes with them.
    """
    connection.require_writable()
    nodes = edges = 0
    for kind, (source, target) in edge_tables():
        text = f"MATCH (:{source})-[e:{kind.type}]->(:{target}) WITH e LIMIT {BATCH} DELETE e"
        while deleted := connection.change(text).relationships_deleted:
            edges += deleted
    for label in (kind.label for kind in NODES):
        free = f"MATCH (n:{label}) WITH n LIMIT {BATCH} DETACH DELETE n"
        if not detach:
            free = f"MATCH (n:{label}) WHERE NOT EXISTS {{ (n)--() }} WITH n LIMIT {BATCH} DELETE n"
        while deleted := connection.change(free).nodes_deleted:
            nodes += deleted
    kept = sum(connection.rows(f"MATCH (n:{kind.label}) RETURN count(n)")[0][0] for kind in NODES)
    if kept:
        return Dropped(nodes, edges, 0, 0, kept)
    removed = connection.change(f"MATCH (v:{cypher.VERSION_LABEL}) DELETE v").nodes_deleted
    existing = _names(connection, "CONSTRAINTS")
    constraints = [name for name in cypher.constraints() if name in existing]
    for name in constraints:
        connection.change(f"DROP CONSTRAINT {name} IF EXISTS")
    existing = _names(connection, "INDEXES")
    indexes = [name for name in cypher.indexes() if name in existing]
    for name in indexes:
        connection.change(f"DROP INDEX {name} IF EXISTS")
    return Dropped(nodes + removed, edges, len(constraints), len(indexes), 0)


def foreign_nodes(connection: Connection) -> int:
    """Number of nodes whose label is not in the schema."""
    ours = " OR ".join(f"n:{label}" for label in (*(kind.label for kind in NODES), cypher.VERSION_LABEL))

    def work(transaction: neo4j.Transaction) -> int:
        return int(run(transaction, f"MATCH (n) WHERE NOT ({ours}) RETURN count(n)").single(strict=True)[0])

    return connection.read(work)
