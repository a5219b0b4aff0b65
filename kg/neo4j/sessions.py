"""Connects to a Neo4j server: URL, credentials, transactions with retries, and errors translated to `kg.errors`.

It knows nothing of the graph in the database; the store is `kg.neo4j.store`.
"""

from __future__ import annotations

import logging
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import neo4j
from neo4j import exceptions

from pharmagraph.kg.errors import (
    TOO_LONG,
    InputError,
    QueryError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
USERNAME, PASSWORD, DATABASE = "NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE"
PASSWORD_FILE = "NEO4J_PASSWORD_FILE"  # nosec B105 # the name of a variable
OLDEST = (5, 7)
"""The first release that supports every statement used here; the tests run on 5.26."""

RETRY_SECONDS = 30.0
"""Seconds for which a transaction is retried; a server restarts in less."""

T = TypeVar("T")

logging.getLogger("neo4j").addHandler(logging.NullHandler())  # the user sees one line, the translated error


@dataclass(frozen=True)
class Credentials:
    """User, password and database; the repr does not show the password.

    Attributes
    ----------
    username, password
        Of basic authentication.
    database
        Name of the database; None is the server's default for this user.
    """

    username: str
    password: str = field(repr=False)
    database: str | None = None


def credentials(environment: Mapping[str, str] = os.environ) -> Credentials:
    """The credentials in the environment; the password may be in a file that the environment names.

    Raises
    ------
    StoreUnavailableError
        If there is no password, or its file cannot be read or is empty.
    """
    password = environment.get(PASSWORD)
    if not password and (path := environment.get(PASSWORD_FILE)):
        try:
            password = Path(path).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise StoreUnavailableError(f"{PASSWORD_FILE}: cannot read {path}: {reason}") from None
        if not password:
            raise StoreUnavailableError(f"{PASSWORD_FILE}: {path} is empty; its first line is the password")
    if not password:
        raise StoreUnavailableError(
            f"no password for Neo4j; set {PASSWORD}, or {PASSWORD_FILE} to a file that holds it"
        )
    return Credentials(environment.get(USERNAME) or "neo4j", password, environment.get(DATABASE) or None)


def checked_url(url: str) -> str:
    """The same URL, if it consists of a scheme and an address alone.

    Raises
    ------
    InputError
        If it has credentials, a path or an unknown scheme. The message does not repeat credentials.
    """
    scheme = url.partition("://")[0]
    if "@" in url:
        raise InputError(
            f"{scheme}://…@…: credentials do not belong into the URL; set {USERNAME} and {PASSWORD}"
        )
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise InputError(f'"{url}" is not an address; write it like bolt://localhost:7687') from None
    if scheme not in SCHEMES or not host:
        raise InputError(f'"{url}" is not an address; write it like bolt://localhost:7687 or neo4j+s://host')
    if parts.path.strip("/"):
        raise InputError(f'"{url}": a path means nothing here; name the database in {DATABASE}')
    return url.rstrip("/")


class Connection:
    """A driver for one database; transactions are retried after transient faults.

    Parameters
    ----------
    url
        ``bolt://host:7687`` for one server, ``neo4j://`` for routing; ``+s`` checks the certificate,
        ``+ssc`` accepts a self-signed one.
    read_only
        Refuse to write.
    login
        Credentials; if None, those in the environment.

    Raises
    ------
    InputError
        If the URL is malformed or has credentials.
    StoreUnavailableError
        If nothing answers there, the user or the database is refused, or the server is older than Neo4j 5.
    """

    def __init__(self, url: str, *, read_only: bool = False, login: Credentials | None = None) -> None:
        self.url = checked_url(url)
        self.read_only = read_only
        self._login = login or credentials()
        with self._translated():
            self._driver = neo4j.GraphDatabase.driver(
                self.url,
                auth=(self._login.username, self._login.password),
                connection_timeout=10,
                notifications_min_severity="OFF",  # otherwise every query with id() prints a notice
                user_agent="pharmagraph",
            )
        self._bookmarks = (
            neo4j.GraphDatabase.bookmark_manager()
        )  # so that a read in a cluster sees this client's writes
        try:
            with self._translated():
                self._require_version(self._agent())
        except BaseException as error:
            self._driver.close()
            if isinstance(error, StoreUnavailableError) and url.startswith("neo4j"):
                self._explain()
            raise

    def _explain(self) -> None:
        """Raise the error of one server, since the error of a failed routing does not tell the cause."""
        direct = self.url.replace("neo4j", "bolt", 1)
        try:
            Connection(direct, read_only=True, login=self._login).close()
        except StoreUnavailableError as error:
            raise StoreUnavailableError(str(error).replace(direct, self.url)) from error

    @property
    def database(self) -> str | None:
        """Name of the database; None is the server's default."""
        return self._login.database

    def read(self, work: Callable[[neo4j.Transaction], T], seconds: float | None = None) -> T:
        """The result of ``work`` in a read transaction of at most ``seconds``; it may be called several times."""
        return self._managed(neo4j.READ_ACCESS, work, seconds)

    def write(self, work: Callable[[neo4j.Transaction], T]) -> T:
        """The result of ``work`` in a write transaction; it may be called several times.

        Raises
        ------
        StoreFullError
            If the transaction needs more memory than the server allows: send less at a time.
        """
        self.require_writable()
        return self._managed(neo4j.WRITE_ACCESS, work)

    def _managed(
        self, access: str, work: Callable[[neo4j.Transaction], T], seconds: float | None = None
    ) -> T:
        """Run a transaction; retry it after deadlocks, restarts and changes of leader, for `RETRY_SECONDS`.

        The driver's retries would also repeat a transaction that is too large for the server or that a
        read-only database refuses, and wait a second after a deadlock.
        """
        deadline, pause = time.monotonic() + RETRY_SECONDS, 0.1
        with self._translated(), self._session(access) as session:
            while True:
                try:
                    with session.begin_transaction(timeout=seconds) as transaction:
                        result = work(transaction)
                        transaction.commit()
                    return result
                except (exceptions.Neo4jError, exceptions.DriverError) as error:
                    if not _passes(error) or time.monotonic() + pause > deadline:
                        raise
                time.sleep(
                    pause * random.uniform(0.8, 1.2)
                )  # random, so that two transactions that collided do not collide again
                pause = min(2 * pause, 1.0)

    def rows(self, cypher: str, **parameters: Any) -> list[list[Any]]:
        """All rows of a read query."""
        return self.read(lambda transaction: [r.values() for r in run(transaction, cypher, parameters)])

    def change(self, cypher: str, **parameters: Any) -> neo4j.SummaryCounters:
        """Run one writing statement; returns the driver's counters of changes."""
        return self.write(lambda transaction: run(transaction, cypher, parameters).consume().counters)

    def require_writable(self) -> None:
        """Raise StoreError when the store was opened read-only."""
        if self.read_only:
            raise StoreError(f"{self.url} was opened read-only; open it for writing to change it")

    def close(self) -> None:
        """Close the driver; safe to call twice."""
        self._driver.close()

    def _session(self, access: Literal["READ", "WRITE"] | str) -> neo4j.Session:
        # few records at a time: a record of a grouped read holds thousands of edges
        return self._driver.session(
            database=self.database,
            default_access_mode=access,
            bookmark_manager=self._bookmarks,
            fetch_size=100,
        )

    def _agent(self) -> str:
        with self._session(neo4j.READ_ACCESS) as session:
            return session.run("RETURN 1").consume().server.agent

    def _require_version(self, agent: str) -> None:
        product, _, version = agent.partition("/")
        numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
        if product != "Neo4j" or numbers < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise StoreUnavailableError(
                f"{self.url} is {product} {version or '(no version)'}; "
                f"Neo4j {oldest} or newer is needed, 5.26 is tested"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (exceptions.Neo4jError, exceptions.DriverError, OSError) as error:
            raise translate(error, self.url, self._login) from error


def run(
    transaction: neo4j.Transaction, cypher: str, parameters: Mapping[str, Any] | None = None
) -> neo4j.Result:
    """Run a statement in a transaction; the text comes from this package or, in `Neo4jStore.query`, from the user."""
    return transaction.run(cypher, dict(parameters or {}))


def _passes(error: exceptions.Neo4jError | exceptions.DriverError) -> bool:
    """Whether the same transaction may succeed later."""
    if isinstance(error, exceptions.Neo4jError) and (_is_full(error) or _is_read_only(error)):
        return False
    return error.is_retryable()


_FULL = (
    "the server's memory limit stops the transaction; raise db.memory.transaction.max or the heap ({reason})"
)
_READ_ONLY = (
    "the database is read-only on this server; use the cluster's neo4j:// address, or make it writable there"
)


def _is_full(error: exceptions.Neo4jError) -> bool:
    return "OutOfMemory" in (error.code or "") or "MemoryPool" in (error.code or "")


def _is_read_only(error: exceptions.Neo4jError) -> bool:
    return "ReadOnly" in (error.code or "") and "AccessMode" not in (error.code or "")


def translate(error: Exception, url: str, login: Credentials) -> StoreError:
    """The driver's error as one of `kg.errors`: one line with the way out, and never a password."""
    reason = _one_line(error).replace(login.password, "…")
    if not isinstance(error, exceptions.Neo4jError):
        return _unreachable(error, url, reason)
    code, user = error.code or "", f'user "{login.username}"'
    for sign, message in (
        (
            "AuthenticationRateLimit",
            f"locks {user} out for some seconds after wrong passwords; wait, then set {PASSWORD}",
        ),
        (
            "CredentialsExpired",
            f"wants the password of {user} changed first: ALTER CURRENT USER SET PASSWORD",
        ),
        (
            "Unauthorized",
            f"refuses {user} with this password; set {USERNAME} and {PASSWORD} or {PASSWORD_FILE}",
        ),
        ("DatabaseNotFound", f'has no database "{login.database}"; set {DATABASE}, whose default is neo4j'),
        ("DatabaseUnavailable", f"cannot serve the database now; see the server's log ({reason})"),
        ("Security", f"does not let {user} do this; ask for the right ({reason})"),
    ):
        if sign in code:
            return StoreUnavailableError(f"{url} {message}")
    if _is_full(error):
        return StoreFullError(_FULL.format(reason=reason))
    if _is_read_only(error):
        return StoreUnavailableError(_READ_ONLY)
    if "TransactionTimedOut" in code:
        return QueryError(TOO_LONG)
    if ".Schema." in code:
        return StoreError(f"{url}: {reason}; drop what is in the way, or use another database")
    if ".Statement." in code:
        return QueryError(f"Neo4j refuses the query: {reason}")
    return StoreError(f"{url}: {reason}; the same command again finishes the work")


def _unreachable(error: Exception, url: str, reason: str) -> StoreUnavailableError:
    """The error for an address where no Neo4j server with these settings answers."""
    chain = " ".join(_causes(error)).casefold()
    encrypted = "+s" in url.partition("://")[0]
    plain = url.replace("+ssc", "").replace("+s", "")
    if encrypted and ("certificate verify" in chain or "hostname mismatch" in chain):
        way = "the certificate is not trusted; use +ssc if it is self-signed and you trust it"
    elif encrypted and any(sign in chain for sign in ("ssl", "tls", "eof", "encrypted")):
        way = f"no TLS there; use {plain} or switch TLS on at the server"
    elif "http" in chain:
        way = "an HTTP server answers there; Bolt is on another port, usually 7687"
    elif "refused" in chain:
        way = "nothing answers; check the port, or start a local server with: cli db start"
    elif "cannot resolve" in chain or "gaierror" in chain:
        way = "no such host; check the name"
    elif "notification filtering" in chain:  # the first request that servers before Neo4j 5 do not know
        way = f"the server is older than Neo4j {'.'.join(map(str, OLDEST))}; 5.26 is tested"
    elif "unsupportedserverproduct" in chain or "handshake" in chain:
        way = f"no Neo4j 5 answers there; check the port and the server's version ({reason})"
    elif "rout" in chain and url.startswith("neo4j"):
        way = (
            f"no member of the cluster can do this now; for one server use {url.replace('neo4j', 'bolt', 1)}"
        )
    else:
        way = f"{reason}; if the server was restarted, the same command again finishes the work"
    return StoreUnavailableError(f"{url}: {way}")


def _causes(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{type(error).__name__} {error}"
        error = error.__cause__ or error.__context__


def _one_line(error: Exception) -> str:
    text = (
        (error.message if isinstance(error, exceptions.Neo4jError) else None)
        or str(error)
        or type(error).__name__
    )
    return " ".join(text.split())
