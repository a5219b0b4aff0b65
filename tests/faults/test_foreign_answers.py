"""What comes from outside is bounded: answers of the literature service, and libraries in the cache."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pharmagraph.kg.errors import InputError, PharmagraphError
from pharmagraph.model.biology import literature
from pharmagraph.model.biology.literature import PubMed
from pharmagraph.model.kernels import build

ANSWERS = {
    "word": b'{"esearchresult": {"count": "abc"}}',
    "digits": b'{"esearchresult": {"count": "' + b"9" * 400 + b'"}}',
    "list": b'{"esearchresult": {"count": [1]}}',
    "negative": b'{"esearchresult": {"count": "-3"}}',
    "brackets": b"[" * 100_000,
    "bytes": b"\xff\xfe\x00",
    "endless": b" " * (3 << 20),
}


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a service that gives one answer to everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(ANSWERS[request.param])

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("service", ANSWERS, indirect=True)
def test_an_answer_that_is_none_is_an_error_of_ours(service: str, tmp_path: Path) -> None:
    asked = PubMed(tmp_path / "answers.jsonl", url=service, rate=1e6, wait=lambda seconds: None)
    with pytest.raises(PharmagraphError) as caught:
        asked.count("term")
    assert len(str(caught.value)) < 300
    assert not (tmp_path / "answers.jsonl").exists()


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        def __enter__(self) -> Slow:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read1(self, size: int) -> bytes:
            return b" "

    monkeypatch.setattr(literature.urllib.request, "urlopen", lambda *_, **__: Slow())
    monkeypatch.setattr(literature, "TIMEOUT", 0.1)
    with pytest.raises(OSError, match="without end"):
        literature._fetched("http://localhost")


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='"nonsense" is not an address'):
        PubMed(tmp_path / "answers.jsonl", url="nonsense")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library in a cache of its own; nothing is compiled."""
    monkeypatch.setattr(build, "cache_folder", lambda: tmp_path)
    tmp_path.chmod(0o755)
    path = tmp_path / build.library_name(build.machine())
    path.write_bytes(b"code")
    path.chmod(0o644)
    build._checksum_of(path).write_text(build._checksum(path))
    assert build._is_sound(path)
    return path


@pytest.mark.parametrize("damage", ["cut", "empty", "no checksum", "open to others", "open folder"])
def test_a_library_that_is_not_whole_or_not_ours_alone_is_not_loaded(library: Path, damage: str) -> None:
    if damage == "open to others":
        library.chmod(0o666)
    elif damage == "open folder":
        library.parent.chmod(0o777)
    elif damage == "no checksum":
        os.remove(build._checksum_of(library))
    else:
        library.write_bytes(b"co" if damage == "cut" else b"")
    assert not build._is_sound(library)


def test_a_damaged_library_is_built_anew(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "PREBUILT", library.parent / "none")
    library.write_bytes(b"")
    built, path = build.load_library()
    assert path == library and build._is_sound(library)
    assert build.load_library()[1] == library
    assert built.vector_lanes() > 0
