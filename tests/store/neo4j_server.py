"""A Neo4j for the tests: one that the environment names, one that `cli db` runs, or one from the Maven artifact.

Under CI the server is started from the artifact, and a test that cannot have it fails. It tests nothing itself.
"""

from __future__ import annotations

import atexit
import os
import random
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from pharmagraph.kg.errors import PharmagraphError
from pharmagraph.kg.neo4j import schema as neo4j_schema
from pharmagraph.kg.neo4j.local_server import LocalServer, default_home, fetch
from pharmagraph.kg.neo4j.sessions import (
    DATABASE,
    PASSWORD,
    PASSWORD_FILE,
    USERNAME,
    Connection,
    Credentials,
    credentials,
)
from pharmagraph.kg.neo4j.store import Neo4jStore

VARIABLE = "PHARMAGRAPH_TEST_NEO4J"
HOW = (
    f"no Neo4j for this test: set {VARIABLE}=bolt://… with NEO4J_PASSWORD, or {VARIABLE}=maven to start one by Java "
    "and Maven, or run `cli db start` (its database must hold no graph)"
)
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
"""Java options that halve the time to start, for servers that are started often and work little."""


def free_port() -> int:
    """A port of loopback that nothing listens on now, and that no outgoing connection is given.

    A client that tries a dead port among those again and again is in the end connected with itself.
    """
    while True:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def new_login() -> Credentials:
    """A user with a password that did not exist before; it holds what shells and Java like to trip over."""
    return Credentials("neo4j", "p '#\\\"" + secrets.token_urlsafe(12))


def new_server(home: Path, *, settings: dict[str, str] | None = None) -> LocalServer:
    """A server in a folder, on a free port, without HTTP, quick to start; not started."""
    try:
        archive = _archive()
    except PharmagraphError as error:
        _absent(str(error))
    return LocalServer(
        home.resolve(),
        bolt_port=free_port(),
        http_port=None,
        page_cache="128m",
        java_options=(*QUICK, f"-XX:SharedArchiveFile={archive}") if archive.is_file() else QUICK,
        settings={
            "server.logs.debug.enabled": "false",
            "db.logs.query.enabled": "OFF",
            "db.tx_log.preallocate": "false",
            **(settings or {}),
        },
    )


def archive_classes(folder: Path) -> None:
    """Keep the server's parsed classes in the cache: later starts take 4 s instead of 8 s."""
    server = new_server(folder)
    archive = _archive()
    if archive.is_file():
        return
    part = archive.with_name(f"{archive.name}.{os.getpid()}.part")
    server = replace(server, java_options=(*QUICK, f"-XX:ArchiveClassesAtExit={part}"))
    server.start(new_login())
    server.stop()
    if part.is_file():
        part.rename(archive)


def _archive() -> Path:
    libraries = fetch()
    return libraries.with_name(f"{libraries.name}.jsa")


@contextmanager
def environment(login: Credentials) -> Iterator[None]:
    """The credentials where the program looks for them."""
    values = {
        USERNAME: login.username,
        PASSWORD: login.password,
        DATABASE: login.database,
        PASSWORD_FILE: None,
    }
    before = {name: os.environ.get(name) for name in values}
    try:
        _set(values)
        yield
    finally:
        _set(before)


def _set(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def empty_database() -> Iterator[str]:
    """The URL of a database without nodes, with its credentials in the environment; skips where there is none."""
    url, login, ours = _server()
    with environment(login):
        _empty(url, ours=ours)
        yield url
        _empty(url, ours=ours)


def _empty(url: str, *, ours: bool) -> None:
    with Neo4jStore(url, any_version=True) as store:
        if not ours:
            neo4j_schema.drop(store.connection, detach=True)
            return
        # constraints stay: they are made anew only where they lack, and each takes a while
        while store.connection.change("MATCH (n) WITH n LIMIT 10000 DETACH DELETE n").nodes_deleted:
            pass


@lru_cache(maxsize=1)
def _server() -> tuple[str, Credentials, bool]:
    """Address and credentials, and whether the whole database is the tests' to empty."""
    given = os.environ.get(VARIABLE, "")
    if given and given != "maven":
        return given, credentials(), False
    if given == "maven" or os.environ.get("CI"):
        return _started()
    server = LocalServer(default_home())
    if server.pid() is None:
        pytest.skip(HOW)
    login = credentials()
    connection = Connection(server.url, login=login)
    try:
        if neo4j_schema.version(connection) is not None:
            pytest.skip(f"the server of `cli db` holds a graph, which the tests would drop. {HOW}")
    finally:
        connection.close()
    return server.url, login, False


def _started() -> tuple[str, Credentials, bool]:
    home = Path(tempfile.mkdtemp(prefix="pharmagraph-neo4j-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    login = new_login()
    try:
        archive_classes(home / "archive")
        server = new_server(home / "server")
        atexit.register(server.stop)
        server.start(login)
    except PharmagraphError as error:
        _absent(str(error))
    return server.url, login, True


def _absent(reason: str) -> None:
    if os.environ.get("CI") or os.environ.get(VARIABLE) == "maven":
        pytest.fail(f"the Neo4j server is needed here: {reason}")
    pytest.skip(f"{reason}. {HOW}")
