"""Runs a Neo4j 5.26 Community server on this machine with Java and Maven, where there is no Docker engine.

It fetches the server into the user's cache, starts it, and stops only a server that it started. The password is
never an argument of a process. This module knows nothing of the graph.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from pharmagraph.kg.errors import DownloadError, InputError, StoreUnavailableError
from pharmagraph.kg.neo4j.sessions import PASSWORD, Connection, Credentials

VERSION = "5.26.30"
ADMIN, SERVER = "org.neo4j.cli.AdminTool", "org.neo4j.server.CommunityEntryPoint"
OPENS = ("java.nio", "java.io", "sun.nio.ch", "java.lang", "java.util.concurrent", "java.util")
"""Packages of java.base that the server accesses by reflection."""
JAVA = (17, 21)
"""Java releases that 5.26 supports."""

SHORTEST_PASSWORD = 8
"""Minimum length of a password, in characters, that Neo4j demands."""

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>pharmagraph</groupId><artifactId>neo4j-server</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{version}</version>
</dependency></dependencies></project>
"""


@dataclass(frozen=True)
class LocalServer:
    """Folder and settings of a local server; whether it runs is looked up each time.

    Attributes
    ----------
    home
        Folder with ``conf``, ``data``, ``logs`` and ``run``.
    bolt_port, http_port
        Ports on the loopback interface; no HTTP if None.
    heap, page_cache
        Memory, in Java's notation.
    java_options
        Further options of the Java virtual machine.
    settings
        Further lines of neo4j.conf.
    """

    home: Path
    bolt_port: int = 7687
    http_port: int | None = 7474
    heap: str = "1g"
    page_cache: str = "512m"
    java_options: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """URL of the Bolt port."""
        return f"bolt://localhost:{self.bolt_port}"

    @property
    def log(self) -> Path:
        """File of the server's output."""
        return self.home / "logs" / "server.log"

    @property
    def _record(self) -> Path:
        return self.home / "run" / "server.json"

    def pid(self) -> int | None:
        """Process id of the server that was started from this folder; None if it does not run."""
        pid = self._recorded("pid")
        if pid is None:
            return None
        # the number may belong to another process by now, so its command line is checked
        found = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
        return pid if f"--home-dir={self.home} " in found.stdout + " " and SERVER in found.stdout else None

    def running_url(self) -> str | None:
        """URL of the server that was started from this folder; None if it does not run."""
        port = self._recorded("bolt_port")
        return None if port is None or self.pid() is None else f"bolt://localhost:{port}"

    def _recorded(self, name: str) -> int | None:
        try:
            return int(json.loads(self._record.read_text(encoding="utf-8"))[name])
        except (OSError, ValueError, KeyError):
            return None

    def start(self, login: Credentials, *, wait: float = 120.0) -> None:
        """Start the server, and return once Bolt accepts the login.

        Does nothing if the server runs already; stops it again if it does not answer in time.

        Parameters
        ----------
        login
            Its password is set before the first start; later starts need the same one.
        wait
            Seconds to wait for an answer.

        Raises
        ------
        StoreUnavailableError
            If a port is taken, or the server runs at another port, ends while starting, or has another password.
        InputError
            If the password is too short for Neo4j, or there is no suitable Java.
        DownloadError
            If Maven cannot fetch the server.
        """
        running = self.running_url()
        if running is not None:
            if running != self.url:
                raise StoreUnavailableError(
                    f"the server runs already at {running}; use it there, or stop it first: cli db stop"
                )
            self._await(login, wait)
            return
        for option, port in (("--port", self.bolt_port), ("--http-port", self.http_port)):
            if port is not None and _listens(port):
                raise StoreUnavailableError(
                    f"port {port} is taken by another program; pass {option} with a free one"
                )
        is_new = not (self.home / "data" / "dbms").exists()
        if is_new and len(login.password) < SHORTEST_PASSWORD:
            raise InputError(
                f"the password for Neo4j needs {SHORTEST_PASSWORD} characters or more; set {PASSWORD}"
            )
        libraries = fetch()
        self._configure()
        if is_new:
            self._set_password(login.password)
        self._launch(libraries)
        try:
            self._await(login, wait)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, wait: float = 60.0) -> bool:
        """Stop the server that was started from this folder; returns whether it ran."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + wait
        while self.pid() is not None and not _is_zombie(pid):
            if time.monotonic() > deadline:
                raise StoreUnavailableError(f"the server (process {pid}) does not stop; see {self.log}")
            time.sleep(0.1)
        self._record.unlink(missing_ok=True)
        return True

    def admin(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a neo4j-admin command on this folder; its arguments are in a file, so the process list shows none."""
        libraries = fetch()
        self._configure()
        file = self.home / "run" / "arguments"
        try:
            with open(
                os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as out:
                out.writelines(_quoted(argument) + "\n" for argument in arguments)
            return subprocess.run(
                [java(), f"-Xmx{self.heap}", *_opens(), "-cp", f"{libraries}/*", ADMIN, f"@{file}"],
                env=self._environment(),
                capture_output=True,
                text=True,
            )
        finally:
            file.unlink(missing_ok=True)

    def _configure(self) -> None:
        for name in ("conf", "data", "logs", "run"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)  # it holds the password's hash, the graph and logs
        settings = {
            "server.default_listen_address": "127.0.0.1",
            "server.bolt.listen_address": f"127.0.0.1:{self.bolt_port}",
            "server.bolt.advertised_address": f"localhost:{self.bolt_port}",  # Neo4j Browser connects there
            "server.http.enabled": str(self.http_port is not None).lower(),
            "server.https.enabled": "false",
            "server.memory.heap.max_size": self.heap,
            "server.memory.pagecache.size": self.page_cache,
            "dbms.usage_report.enabled": "false",
            "dbms.security.allow_csv_import_from_file_urls": "false",
            "db.tx_log.rotation.retention_policy": "1 files",
            "internal.server.bolt.thread_pool_shutdown_wait_time": "1s",  # otherwise every stop takes ten seconds
            "internal.server.bolt.connection_shutdown_wait_time": "1s",
        }
        if self.http_port is not None:
            settings["server.http.listen_address"] = f"127.0.0.1:{self.http_port}"
        settings |= self.settings
        (self.home / "conf" / "neo4j.conf").write_text(
            "".join(f"{k}={v}\n" for k, v in settings.items()), encoding="utf-8"
        )

    def _set_password(self, password: str) -> None:
        done = self.admin(["dbms", "set-initial-password", password])
        if done.returncode:
            reason = " ".join((done.stderr or done.stdout).replace(password, "…").split())
            raise StoreUnavailableError(f"the password of the new server cannot be set: {reason}")

    def _launch(self, libraries: Path) -> None:
        arguments = [f"--home-dir={self.home}", f"--config-dir={self.home / 'conf'}", "--console-mode"]
        with self.log.open("ab") as out:
            process = subprocess.Popen(
                [
                    java(),
                    f"-Xmx{self.heap}",
                    *self.java_options,
                    *_opens(),
                    "-cp",
                    f"{libraries}/*",
                    SERVER,
                    *arguments,
                ],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal must end the command, not the server
            )
        self._record.write_text(
            json.dumps({"pid": process.pid, "bolt_port": self.bolt_port}), encoding="utf-8"
        )

    def _await(self, login: Credentials, wait: float) -> None:
        deadline = time.monotonic() + wait
        while not _listens(self.bolt_port):
            pid = self.pid()
            if pid is None or _is_zombie(pid):
                raise StoreUnavailableError(
                    f"the server ended while starting: {self._last_line()}; see {self.log}"
                )
            if time.monotonic() > deadline:
                raise StoreUnavailableError(f"the server does not answer after {wait:.0f} s; see {self.log}")
            time.sleep(0.1)
        while True:
            try:
                Connection(self.url, login=replace(login, database=None)).close()
                return
            except StoreUnavailableError as error:
                if "refuses user" in str(error):  # a wrong password stays wrong
                    raise StoreUnavailableError(f"{error}; it was set at the first start") from None
                if time.monotonic() > deadline:  # the port opens before the database does
                    raise
                time.sleep(0.2)

    def _last_line(self) -> str:
        lines = (
            self.log.read_text(errors="replace", encoding="utf-8").strip().splitlines()
            if self.log.is_file()
            else []
        )
        return lines[-1] if lines else "it printed nothing"

    def _environment(self) -> dict[str, str]:
        """The environment without credentials, which the server does not need."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("NEO4J_")}
        return {**kept, "NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.home / "conf")}


def default_home() -> Path:
    """Folder of the server that `cli db` runs: PHARMAGRAPH_NEO4J_HOME, or a folder in the user's data folder."""
    given = os.environ.get("PHARMAGRAPH_NEO4J_HOME")
    return (
        Path(given).expanduser().resolve()
        if given
        else Path(platformdirs.user_data_dir("pharmagraph")) / "neo4j"
    )


def fetch() -> Path:
    """The folder with the server's libraries, which Maven fetches once (123 MB).

    Raises
    ------
    DownloadError
        If there is no Maven, or it cannot fetch them.
    """
    folder = _libraries()
    if is_fetched():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise DownloadError(
            "no Maven (mvn) to fetch Neo4j with; install it, or a Docker engine, or use a server elsewhere"
        )
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True, exist_ok=True)
    try:
        (part / "pom.xml").write_text(_POM.format(version=VERSION), encoding="utf-8")
        command = [
            maven,
            "-q",
            "-B",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={part}",
            "-f",
            str(part / "pom.xml"),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stdout.splitlines() if "ERROR" in line] or ["no reason given"]
            raise DownloadError(
                f"Maven cannot fetch org.neo4j:neo4j:{VERSION}: {errors[0]}; check the network and its settings.xml"
            )
        try:
            part.rename(
                folder
            )  # the folder appears complete or not at all, even if two processes fetch at once
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def is_fetched() -> bool:
    """Whether the libraries are in the user's cache."""
    return (_libraries() / f"neo4j-{VERSION}.jar").is_file()


def _libraries() -> Path:
    return Path(platformdirs.user_cache_dir("pharmagraph")) / f"neo4j-{VERSION}"


def java() -> str:
    """Path of a Java program of a release that the server supports.

    Raises
    ------
    InputError
        If there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if found is None:
        raise InputError("no Java; install Java 17 or 21, or a Docker engine, or use a server elsewhere")
    text = subprocess.run([found, "-version"], capture_output=True, text=True).stderr
    release = text.partition('"')[2].partition(".")[0].partition('"')[0]
    if release not in map(str, JAVA):
        raise InputError(
            f"{found} is Java {release or 'of unknown release'}; "
            f"Neo4j 5.26 needs {' or '.join(map(str, JAVA))} (JAVA_HOME)"
        )
    return found


def _opens() -> list[str]:
    return [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENS]


def _quoted(argument: str) -> str:
    return '"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_zombie(pid: int) -> bool:
    """Whether a child process has ended; collects its exit status."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False
