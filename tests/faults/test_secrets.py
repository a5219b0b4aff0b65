"""A password, user or token that is planted wherever the program reads one is in no file and in no line."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.typed import typed
from tests.faults.conftest import CHECKOUT

MARKER = "Pl4ntedS3cret"
TOKEN = f"{MARKER}-{'t' * 32}"
PLANTED = {
    "NEO4J_PASSWORD": f"{MARKER}-password",
    "NEO4J_USERNAME": f"{MARKER}-user",
    "PHARMAGRAPH_TOKEN": TOKEN,
    "AWS_SECRET_ACCESS_KEY": f"{MARKER}-cloud",
    "PHARMAGRAPH_LOG_FORMAT": "json",
}
DRUG, LINE = "synthetic-drug-0001", "synthetic-line-0001"
PROCESS_ALONE = "--set network.axial=false --set network.factors=false"
EMBEDDED = (
    "status", "doctor --report doctor.json", "check", "runs list --format json", "query --list",
    f"query responses drug={DRUG} --format csv", f"predict --drug {DRUG} --cell {LINE} --out predicted.csv",
    f"explain --drug {DRUG} --cell {LINE}", f"report --drug {DRUG}",
    "export graphml graph.graphml", "export csv csv", "export kgx kgx", "backup kept",
    "restore kept --store ladybug://restored.lbug --runs restored-runs",
    "train --preset fast --epochs 1 --quiet", "query --cypher 'MATCH (d:Drug) RETURN d'", "query nonsense",
    "mcp --help", "copy ladybug://pharmagraph.lbug ladybug://copied.lbug", "suggest",
    # what to test next follows from a Gaussian process, which the preset fast has no part of
    f"train --preset default --epochs 1 --members 1 {PROCESS_ALONE} --promote --quiet",
    "suggest --out plate.csv --picture plate.svg",
)  # fmt: skip


def found(text: bytes | str) -> bool:
    return MARKER.casefold().encode() in (text if isinstance(text, bytes) else text.encode()).lower()


def files_with_it(folder: Path) -> list[str]:
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and found(p.read_bytes())]


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"\x00" + PLANTED["NEO4J_PASSWORD"].upper().encode())
    assert files_with_it(tmp_path) == ["a/b"]


@pytest.mark.once
def test_no_command_writes_or_prints_a_secret_of_its_environment(trained: Path, tmp_path: Path) -> None:
    written = len(list(tmp_path.rglob("*")))
    ended = {}
    for line in EMBEDDED:
        words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)]
        done = typed(*words, environment=PLANTED)
        assert not found(done.stdout + done.stderr), line
        assert "Traceback" not in done.stderr, (line, done.stderr)
        ended[line] = done.returncode
    assert [line for line, code in ended.items() if code] == ["query nonsense", "suggest"], ended
    assert files_with_it(tmp_path) == []
    assert len(list(tmp_path.rglob("*"))) > written + 20  # the commands wrote


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where something answers that is no Neo4j, and hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            client.recv(1000)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\nnothing")
            client.close()

    Thread(target=answer, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


@pytest.mark.parametrize(
    "way", ["variable", "file", "file that is a folder", "in the URL", "in a malformed URL"]
)
def test_no_error_of_neo4j_repeats_a_secret(tmp_path: Path, silent: int, way: str) -> None:
    given = {name: value for name, value in PLANTED.items() if name != "NEO4J_PASSWORD"}
    url = f"bolt://127.0.0.1:{silent}"
    if way == "variable":
        given = PLANTED
    elif way == "file":
        place = tmp_path.parent / f"{tmp_path.name}-password"
        place.write_text(PLANTED["NEO4J_PASSWORD"])
        given |= {"NEO4J_PASSWORD_FILE": str(place)}
    elif way == "file that is a folder":
        given |= {"NEO4J_PASSWORD_FILE": str(tmp_path)}
    elif way == "in the URL":
        url = f"bolt://{MARKER}:{MARKER}@127.0.0.1:{silent}"
    else:
        url = f"bolt://{MARKER}:{MARKER}@[:x"
    for words in (("status",), ("query", "--cypher", "RETURN 1"), ("copy", "ladybug://a.lbug"), ("check",)):
        last = [url] if words[0] == "copy" else ["--store", url]
        done = typed(*words, *last, environment=given)
        assert done.returncode in (1, 2) and not found(done.stdout + done.stderr), (words, done.stderr)
        done = typed(*words, environment=given | {"PHARMAGRAPH_STORE": url})
        assert not found(done.stdout + done.stderr), (words, done.stderr)
    assert files_with_it(tmp_path) == []


def test_the_explorer_shows_its_token_once_and_no_other_secret(small: Path, tmp_path: Path) -> None:
    words = ["serve", "--port", "0", "--no-browser"]
    with subprocess.Popen(
        [sys.executable, "-m", "pharmagraph.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)} | PLANTED,
    ) as served:
        assert served.stdout is not None and served.stderr is not None
        line = served.stdout.readline()
        assert line.count(TOKEN) == 1 and not found(line.replace(TOKEN, ""))
        address = line.split("?")[0]
        header = {"Authorization": f"Bearer {TOKEN}"}
        for path in ("", "api/describe", "api/openapi.json", "_dash-layout", "_dash-dependencies"):
            with urllib.request.urlopen(urllib.request.Request(address + path, headers=header)) as answer:
                assert not found(answer.read()), path
        with urllib.request.urlopen(f"{address}runs?token={TOKEN}") as answer:
            assert not found(answer.read())
        served.terminate()
        out, err = served.communicate(timeout=30)
    assert not found(out + err) and '"step"' in err  # steps were told, by the rule of an address
    assert files_with_it(tmp_path) == []
