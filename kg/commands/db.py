"""`cli db`: a local Neo4j by Docker, or by Java and Maven; taking our graph out of a database; migration.

What runs is decided by `kg.neo4j.local_server` or Docker; this parses, calls and prints.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format, next_command, note, print_rows
from pharmagraph.kg.help import Sections

app = typer.Typer(
    cls=Sections, no_args_is_help=True, help="A local Neo4j 5.26, by Docker or by Java and Maven; migration."
)

COMPOSE = Path(__file__).resolve().parents[2] / "docker-compose.yml"
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Bolt port, on loopback only.")]
HttpPort = Annotated[
    int,
    typer.Option(min=0, max=65535, help="Port of Neo4j Browser; 0 for none (a container always has one)."),
]
Java = Annotated[bool, typer.Option("--java", help="By Java and Maven even where a Docker engine answers.")]


@app.command(epilog="Example: cli db start")
def start(
    port: Port = 7687,
    http_port: HttpPort = 7474,
    heap: Annotated[str, typer.Option(help="Java heap.")] = "1g",
    page_cache: Annotated[str, typer.Option(help="Page cache.")] = "512m",
    java: Java = False,
) -> None:
    """Start a local Neo4j and wait until it answers with authentication.

    The password is NEO4J_PASSWORD, or the content of NEO4J_PASSWORD_FILE; it is set at the first start.
    """
    from pharmagraph.kg.neo4j.local_server import LocalServer, default_home, is_fetched
    from pharmagraph.kg.neo4j.sessions import credentials

    login = credentials()
    if not java and _docker():
        _require_fit_for_image(login.password)
        settings = {
            "NEO4J_BOLT_PORT": str(port),
            "NEO4J_HTTP_PORT": str(http_port or 7474),
            "NEO4J_HEAP": heap,
            "NEO4J_PAGE_CACHE": page_cache,
        }
        _compose(["up", "-d", "--wait", "neo4j"], password=login.password, settings=settings)
        print(f"Neo4j 5.26 runs in Docker at bolt://localhost:{port}")
    else:
        server = LocalServer(
            default_home(), bolt_port=port, http_port=http_port or None, heap=heap, page_cache=page_cache
        )
        running = server.pid() is not None
        if not running:
            note("starting Neo4j 5.26…" if is_fetched() else "fetching (123 MB) and starting Neo4j 5.26…")
        server.start(login)
        state = "runs already" if running else "runs"
        print(f"Neo4j 5.26 {state} at {server.url} (process {server.pid()}, files in {server.home})")
    print(f"Next: cli demo --store bolt://localhost:{port}")


@app.command(epilog="Example: cli db stop")
def stop(java: Java = False) -> None:
    """Stop the server that `cli db start` started, and nothing else; its data stay."""
    from pharmagraph.kg.neo4j.local_server import LocalServer, default_home

    server = LocalServer(default_home())
    if server.stop():
        print(f"stopped; the data stay in {server.home}")
    elif not java and _docker() and _compose_state():
        _compose(["stop", "neo4j"])
        print("stopped; the data stay in the volume neo4j-data")
    else:
        print("nothing that `cli db start` started is running")


@app.command(epilog="Example: cli db status")
def status(format: FormatOption = Format.table) -> None:
    """Whether the local server runs, and how."""
    from pharmagraph.kg.neo4j.local_server import LocalServer, default_home

    server = LocalServer(default_home())
    url = server.running_url()
    rows = [
        {
            "by": "java",
            "state": "running" if url else "stopped",
            "url": url,
            "process": server.pid(),
            "home": str(server.home),
        }
    ]
    if _docker():
        state = _compose_state()
        rows.append(
            {
                "by": "docker",
                "state": state or "stopped",
                "url": _compose_url() if state else None,
                "process": None,
                "home": "neo4j-data",
            }
        )
    print_rows(rows, format)


@app.command(epilog="Example: cli db logs")
def logs(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 40,
) -> None:
    """The last lines that the local server printed."""
    from pharmagraph.kg.neo4j.local_server import LocalServer, default_home

    server = LocalServer(default_home())
    if server.log.is_file():
        for line in server.log.read_text(errors="replace", encoding="utf-8").splitlines()[-lines:]:
            print(line)
    elif _docker() and _compose_state():
        _compose(["logs", "--tail", str(lines), "neo4j"])
    else:
        print("no local server has been started; start one with: cli db start")


@app.command(epilog="Example: cli db drop --store bolt://localhost:7687")
def drop(
    store: Store = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Also delete relationships that others attached to our nodes.")
    ] = False,
) -> None:
    """Remove the graph, its constraints and its indexes from a Neo4j database, and nothing else."""
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.neo4j import schema as neo4j_schema
    from pharmagraph.kg.neo4j.store import Neo4jStore
    from pharmagraph.kg.store import URL_VARIABLE

    url = store or os.environ.get(URL_VARIABLE) or ""
    if not url or url.startswith("ladybug:"):
        raise InputError(
            "cli db drop is for Neo4j; name it with --store bolt://…; an embedded store is a file to delete"
        )
    with Neo4jStore(url, any_version=True) as graph:
        counts = {k: n for k, n in graph.counts().items() if n}
        if graph.schema_version() is None:
            print(f"{graph.url} holds no pharmagraph; nothing was removed")
            return
        print_rows(
            [{"kind": k, "count": n} for k, n in counts.items()], title=f"To be removed from {graph.url}"
        )
        print(f"Kept: {neo4j_schema.foreign_nodes(graph.connection):,} nodes that are not ours")
        if not yes and not typer.confirm("Remove it?", default=False):
            print("nothing was removed")
            raise typer.Exit(1)
        done = neo4j_schema.drop(graph.connection, detach=detach)
    print(
        f"removed {done.nodes:,} nodes, {done.edges:,} edges, {done.constraints} constraints, {done.indexes} indexes"
    )
    if done.kept:
        print(
            f"{done.kept:,} of our nodes stay: others attached relationships to them; --detach removes those too"
        )


@app.command(epilog="Example: cli db migrate --dry-run")
def migrate(
    store: Store = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would change.")] = False,
) -> None:
    """Bring an older graph to this version of the schema and of the engine; --dry-run lists the changes."""
    from pharmagraph.kg import migrations, schema

    plan = migrations.migrate(store, dry_run=dry_run)
    if not plan.changes and not plan.lacking and not plan.of_engine:
        print(f"{plan.url} is at schema version {schema.VERSION}; nothing to change")
        return
    title = f"{plan.url}: schema version {plan.found} → {schema.VERSION}"
    rows = [{"version": schema.VERSION, "change": plan.of_engine}] if plan.of_engine else []
    rows += [{"version": c.version, "change": c.about} for c in plan.changes]
    rows += [{"version": schema.VERSION, "change": f"{name} is made"} for name in plan.lacking]
    print_rows(rows, title=title)
    print("Nothing was changed (dry run)." if dry_run else "Done. Next: " + next_command("cli status", store))


def _docker() -> bool:
    """Whether a Docker engine answers and the compose file is there."""
    import shutil
    import subprocess

    docker = shutil.which("docker")
    if docker is None or not COMPOSE.is_file():
        return False
    return subprocess.run([docker, "info"], capture_output=True).returncode == 0


def _require_fit_for_image(password: str) -> None:
    """Refuse what the image's start script does not take: it would print the password into its log and end."""
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.neo4j.local_server import SHORTEST_PASSWORD
    from pharmagraph.kg.neo4j.sessions import PASSWORD

    if len(password) < SHORTEST_PASSWORD or "/" in password or password.startswith("-"):
        raise InputError(
            f"Neo4j's container takes a password of {SHORTEST_PASSWORD} characters or more, without / and with "
            f"no - at its start; set {PASSWORD} to another, or use --java"
        )


def _compose(
    arguments: list[str], *, password: str | None = None, settings: dict[str, str] | None = None
) -> None:
    import subprocess

    from pharmagraph.kg.errors import StoreUnavailableError

    command = ["docker", "compose", "-f", str(COMPOSE), *arguments]
    done = subprocess.run(command, env=_compose_environment(password) | (settings or {}))
    if done.returncode:
        raise StoreUnavailableError(
            f"docker compose {arguments[0]} failed; see its lines above, or use --java"
        )


def _compose_environment(password: str | None = None) -> dict[str, str]:
    """The file refuses to be read without a password, also to stop what runs."""
    return {**os.environ, "NEO4J_PASSWORD": password or "not-needed-here"}


def _compose_state() -> str:
    """State of the compose service; empty when there is no running container."""
    return _compose_answer("ps", "--format", "{{.State}}", "neo4j")


def _compose_url() -> str:
    """Where the compose service answers."""
    return f"bolt://{_compose_answer('port', 'neo4j', '7687')}"


def _compose_answer(*arguments: str) -> str:
    import subprocess

    command = ["docker", "compose", "-f", str(COMPOSE), *arguments]
    return subprocess.run(command, env=_compose_environment(), capture_output=True, text=True).stdout.strip()
