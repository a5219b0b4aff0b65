"""What goes wrong with a server: one line that says what and the way out, or another attempt that succeeds."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pharmagraph.kg.changes import Change, total
from pharmagraph.kg.errors import (
    InputError,
    PharmagraphError,
    QueryError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from pharmagraph.kg.neo4j import edges as neo4j_edges
from pharmagraph.kg.neo4j.local_server import LocalServer
from pharmagraph.kg.neo4j.sessions import (
    DATABASE,
    PASSWORD,
    PASSWORD_FILE,
    USERNAME,
    Connection,
    Credentials,
    credentials,
)
from pharmagraph.kg.store import open_store
from tests.store import neo4j_server

pytestmark = pytest.mark.neo4j

EXPRESSES = ("EXPRESSES", ("CellLine", "Gene"))


def refusal(url: str, login: Credentials | None = None) -> str:
    """The one line that opening says."""
    with pytest.raises(StoreUnavailableError) as caught:
        Connection(url, login=login)
    text = str(caught.value)
    assert "\n" not in text
    assert login is None or login.password not in text
    return text


def test_a_wrong_password_names_the_variables_and_not_the_password(neo4j_url: str) -> None:
    text = refusal(neo4j_url, Credentials("neo4j", "wrong-as-can-be"))
    assert PASSWORD in text
    assert 'refuses user "neo4j"' in text


def test_a_wrong_port_says_how_to_start_one(neo4j_url: str) -> None:
    assert "cli db start" in refusal(f"bolt://localhost:{neo4j_server.free_port()}")


def test_a_wrong_host_is_named(neo4j_url: str) -> None:
    assert "no such host" in refusal("bolt://nowhere.invalid:7687")


def test_a_wrong_database_is_named(neo4j_url: str) -> None:
    login = credentials()
    text = refusal(neo4j_url, Credentials(login.username, login.password, "genes"))
    assert 'no database "genes"' in text
    assert DATABASE in text


@pytest.mark.parametrize("scheme", ["bolt+s", "bolt+ssc", "neo4j+s", "neo4j+ssc"])
def test_tls_against_a_plain_port_says_so(neo4j_url: str, scheme: str) -> None:
    assert "no TLS there; use" in refusal(neo4j_url.replace("bolt", scheme))


def test_a_port_that_speaks_http_says_so(neo4j_url: str) -> None:
    with _peer(_http) as url:
        assert "HTTP" in refusal(url)


def test_a_server_of_4_4_is_refused(neo4j_url: str) -> None:
    with _peer(_bolt_4_4) as url:
        text = refusal(url)
    assert "older than Neo4j 5.7; 5.26 is tested" in text


def test_the_routing_scheme_works_on_a_single_server(neo4j_url: str) -> None:
    with open_store(neo4j_url.replace("bolt", "neo4j")) as store:
        store.create_schema()
        store.upsert_nodes("Gene", pa.table({"id": ["EGFR"]}))
        assert store.counts()["Gene"] == 1


@pytest.mark.parametrize("url", ["bolt://neo4j:hunter22@localhost:7687", "neo4j+s://u:hunter22@host"])
def test_credentials_in_the_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match=USERNAME) as caught:
        open_store(url)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("url", ["bolt://", "bolt://host:port", "bolt://localhost/genes"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        open_store(url)


def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=PASSWORD_FILE):
        credentials({PASSWORD_FILE: str(tmp_path / "none")})
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(StoreUnavailableError, match="empty"):
        credentials({PASSWORD_FILE: str(tmp_path / "empty")})
    (tmp_path / "password").write_text("secret phrase \n")
    assert credentials({PASSWORD_FILE: str(tmp_path / "password")}).password == "secret phrase "
    assert "secret" not in repr(credentials({PASSWORD_FILE: str(tmp_path / "password")}))


def test_a_store_opened_read_only_writes_nothing(neo4j_url: str) -> None:
    with open_store(neo4j_url) as store:
        store.create_schema()
    with open_store(neo4j_url, read_only=True) as store:
        with pytest.raises(StoreError, match="read-only"):
            store.upsert_nodes("Gene", pa.table({"id": ["EGFR"]}))
        with pytest.raises(QueryError):
            store.query("CALL { CREATE (g:Gene {id: 'X'}) RETURN g } RETURN g")
        assert store.counts()["Gene"] == 0


def edges(n_cell_lines: int, n_genes: int, first: int = 0) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Cell lines, genes, and an edge between every two."""
    cell_lines = [f"C{i:05}" for i in range(first, first + n_cell_lines)]
    genes = [f"G{i:05}" for i in range(n_genes)]
    n = n_cell_lines * n_genes
    table = {"src": np.repeat(cell_lines, n_genes), "dst": np.tile(genes, n_cell_lines), "dataset": ["d"] * n}
    return (
        pa.table({"id": cell_lines, "name": cell_lines}),
        pa.table({"id": genes}),
        pa.table({**table, "z": np.arange(n) / 8}),
    )


def test_two_loaders_of_the_same_edges_insert_each_once(
    neo4j_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neo4j_edges, "BATCH_EDGES", 400)
    cell_lines, genes, table = edges(40, 60)
    with open_store(neo4j_url) as store:
        store.create_schema()
        store.upsert_nodes("CellLine", cell_lines)
        store.upsert_nodes("Gene", genes)

    def load(seed: int) -> Change:
        rows = table.take(pa.array(np.random.default_rng(seed).permutation(table.num_rows)))
        with open_store(neo4j_url) as store:
            return store.upsert_edges(*EXPRESSES, rows)

    with ThreadPoolExecutor(3) as pool:
        changes = list(pool.map(load, range(3)))
    assert total(changes) == Change(table.num_rows, 0, 2 * table.num_rows)
    with open_store(neo4j_url) as store:
        assert store.counts()["CellLine-EXPRESSES-Gene"] == table.num_rows


def test_loaders_that_share_targets_get_past_their_deadlocks(
    neo4j_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neo4j_edges, "BATCH_EDGES", 300)
    parts = [edges(20, 30, first=20 * part) for part in range(3)]
    with open_store(neo4j_url) as store:
        store.create_schema()
        store.upsert_nodes("Gene", parts[0][1])
        for cell_lines, _, _ in parts:
            store.upsert_nodes("CellLine", cell_lines)

    def load(part: int) -> Change:
        with open_store(neo4j_url) as store:
            return store.upsert_edges(*EXPRESSES, parts[part][2])

    with ThreadPoolExecutor(3) as pool:
        assert total(pool.map(load, range(3))) == Change(3 * 600, 0, 0)
    with open_store(neo4j_url) as store:
        assert store.counts()["CellLine-EXPRESSES-Gene"] == 3 * 600


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalServer, Credentials]]:
    """A server that allows a transaction little memory, and speaks TLS with a certificate of its own, too."""
    home = tmp_path_factory.mktemp("narrow")
    certificates = home / "server" / "certificates" / "bolt"
    certificates.mkdir(parents=True)
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", "private.key", "-out", "public.crt"]
    subprocess.run([*command.split(), *files], cwd=certificates, check=True, capture_output=True)
    settings = {
        "db.memory.transaction.max": "4m",
        "server.bolt.tls_level": "OPTIONAL",
        "dbms.ssl.policy.bolt.enabled": "true",
        "dbms.ssl.policy.bolt.base_directory": "certificates/bolt",
    }
    server = neo4j_server.new_server(home / "server", settings=settings)
    login = neo4j_server.new_login()
    server.start(login)
    yield server, login
    server.stop()


def test_tls_with_a_self_signed_certificate_needs_to_be_asked_for(
    narrow: tuple[LocalServer, Credentials],
) -> None:
    server, login = narrow
    assert "the certificate is not trusted; use +ssc" in refusal(server.url.replace("bolt", "bolt+s"), login)
    for scheme in ("bolt+ssc", "neo4j+ssc"):
        connection = Connection(server.url.replace("bolt", scheme), login=login)
        assert connection.rows("RETURN 1") == [[1]]
        connection.close()


def test_a_memory_limit_is_met_with_smaller_batches(narrow: tuple[LocalServer, Credentials]) -> None:
    server, login = narrow
    with neo4j_server.environment(login), open_store(server.url) as store:
        store.create_schema()
        cell_lines, genes, table = edges(20, 500)
        store.upsert_nodes("CellLine", cell_lines)
        store.upsert_nodes("Gene", genes)
        with pytest.raises(StoreFullError, match=r"db\.memory\.transaction\.max"):
            store.query("UNWIND range(1, 1000000) AS i RETURN count(DISTINCT toString(i))")
        assert store.upsert_edges(*EXPRESSES, table) == Change(10_000, 0, 0)
        assert store.read_edges(*EXPRESSES, ["z"]).num_rows == 10_000


def test_a_database_that_is_read_only_on_the_server_says_so(narrow: tuple[LocalServer, Credentials]) -> None:
    server, login = narrow
    server.stop()
    settings = {"server.databases.default_to_read_only": "true"}
    closed = replace(server, settings=settings)
    closed.start(login)
    with neo4j_server.environment(login), open_store(closed.url) as store:
        with pytest.raises(StoreUnavailableError, match="read-only on this server"):
            store.upsert_nodes("Gene", pa.table({"id": ["NEW"]}))
        assert store.counts()["Gene"] >= 0


# --- peers that are not Neo4j 5 ---------------------------------------------------------------------------


class _peer:  # noqa: N801  # reads as a function at its use
    """A port at which something else answers, until the block ends."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.answer = answer

    def __enter__(self) -> str:
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"bolt://localhost:{self.socket.getsockname()[1]}"

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                try:
                    self.answer(peer)
                except OSError:
                    continue


def _http(peer: socket.socket) -> None:
    peer.recv(64)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def _bolt_4_4(peer: socket.socket) -> None:
    """The handshake of Bolt 4.4, then success to every message, as a server of 4.4.40 says it."""
    peer.recv(20)
    peer.sendall(bytes([0, 0, 4, 4]))

    def text(value: str) -> bytes:
        return bytes([0xD0, len(value)]) + value.encode()

    success = bytes([0xB1, 0x70, 0xA4])
    success += text("server") + text("Neo4j/4.4.40") + text("connection_id") + text("bolt-1")
    success += text("fields") + bytes([0x90]) + text("type") + text("r")
    while True:
        message = b""
        while (size := int.from_bytes(_exactly(peer, 2), "big")) or not message:
            message += _exactly(peer, size)
        if message[1] == 0x02:  # GOODBYE
            return
        peer.sendall(len(success).to_bytes(2, "big") + success + b"\0\0")


def _exactly(peer: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = peer.recv(size - len(found))
        if not part:
            raise OSError("closed")
        found += part
    return found


def test_every_error_of_the_store_is_one_of_ours(neo4j_url: str) -> None:
    with open_store(neo4j_url) as store, pytest.raises(PharmagraphError) as caught:
        store.query("MATCH (n) RETURN n.x AS\n\n nothing +")
    assert "\n" not in str(caught.value)
