"""Beyond this machine every address asks for the token; on it, only its own names and pages are answered."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from pharmagraph.explorer import access, server, tokens
from pharmagraph.kg.errors import InputError
from tests.explorer.conftest import Served
from tests.faults.conftest import command, one_line

pytestmark = pytest.mark.once

TOKEN = "0123456789abcdefghijABCDEFGHIJ-_0123456789x"
ADDRESSES = (
    "/", "/runs", "/no/such/page", "/assets/explorer.js", "/assets/", "/_dash-layout", "/_dash-dependencies",
    "/_dash-component-suites/dash/deps/react.js", "/_favicon.ico", "/api/openapi.json", "/api/describe",
    "/api/nowhere", "/api/query/top-genes?drug=x",
)  # fmt: skip


@pytest.fixture(scope="module")
def open_port(small: str) -> Iterator[int]:
    """The port of an explorer on loopback without a token."""
    with Served(small) as url:
        yield int(url.rpartition(":")[2])


@pytest.fixture(scope="module")
def closed_port(small: str) -> Iterator[int]:
    """The port of an explorer at all addresses of this machine, with a token."""
    with pytest.MonkeyPatch.context() as patch, Served(small, host="0.0.0.0", token=TOKEN) as url:
        patch.setattr(access, "REFUSED", 10_000)  # the tests are refused more often than anybody should be
        yield int(url.rpartition(":")[2])


def asked(
    port: int, path: str, *, method: str = "GET", body: Any = None, **headers: str
) -> http.client.HTTPResponse:
    """An answer, read; headers are written with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()})
    answer = connection.getresponse()
    answer.text = answer.read().decode(errors="replace")  # type: ignore[attr-defined]
    connection.close()
    return answer


def callback(port: int, **headers: str) -> http.client.HTTPResponse:
    """What a page asks for its suggestions."""
    body = {
        "output": "suggestions.children",
        "outputs": {"id": "suggestions", "property": "children"},
        "inputs": [{"id": "typed", "property": "data", "value": "synthetic"}],
        "changedPropIds": ["typed.data"],
    }
    headers |= {"Content_Type": "application/json"}
    return asked(port, "/_dash-update-component", method="POST", body=json.dumps(body), **headers)


BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_address_answers_without_the_token(closed_port: int, path: str) -> None:
    wrong = f"Bearer {TOKEN[:-1]}y"
    for given in (
        {},
        {"Authorization": wrong},
        {"Cookie": f"pharmagraph-{closed_port}=x"},
        {"Cookie": TOKEN},
    ):
        answer = asked(closed_port, path, **given)
        assert answer.status == 401 and "synthetic" not in answer.text.casefold(), given
        assert answer.headers["WWW-Authenticate"] == "Bearer" and TOKEN not in answer.text
    assert asked(closed_port, path + ("&" if "?" in path else "?") + "token=wrong").status == 401
    assert asked(closed_port, path, **BEARER).status not in (401, 403)


def test_neither_a_callback_nor_a_post_answers_without_the_token(closed_port: int) -> None:
    assert callback(closed_port).status == 401
    assert "SYNTHETIC" in callback(closed_port, **BEARER).text
    post = {"method": "POST", "body": json.dumps({"text": "MATCH (d:Drug) RETURN count(d)"})}
    assert asked(closed_port, f"/api/cypher?token={TOKEN}", **post).status == 401
    assert asked(closed_port, "/api/cypher", **post, **BEARER).status == 200


def test_the_address_with_the_token_sets_a_cookie_and_leads_on_without_it(closed_port: int) -> None:
    entered = asked(closed_port, f"/query/top-genes?drug=a%20b&token={TOKEN}")
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Domain" not in cookie
    assert 'content="0;url=/query/top-genes?drug=a+b"' in entered.text and TOKEN not in entered.text
    assert entered.headers["Cache-Control"] == "no-store"
    kept = cookie.partition(";")[0]
    assert asked(closed_port, "/api/describe", Cookie=kept).status == 200
    # the way on is never another site
    for path in (
        "//elsewhere.example",
        "/%2Felsewhere.example",
        "/%5Celsewhere.example",
        "/%22%3E%3Cscript%3E",
    ):
        found = re.search(r'url=([^"]*)"', asked(closed_port, f"{path}?token={TOKEN}").text)
        assert found is None or re.match(r"/[^/\\<>]", found[1]), path


def test_a_browser_enters_by_the_address_and_stays(closed_port: int, browser: Browser) -> None:
    context = browser.new_context(base_url=f"http://127.0.0.1:{closed_port}")
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    assert tab.goto("/").status == 401  # type: ignore[union-attr]
    tab.goto(f"/runs?token={TOKEN}")
    expect(tab.locator("main h1")).to_have_text("Runs")
    assert TOKEN not in tab.url and TOKEN not in tab.content()
    assert TOKEN not in tab.evaluate("document.cookie")
    tab.goto("/")
    expect(tab.locator("main h1")).to_have_text("What is in the graph")
    context.close()


def test_without_a_token_only_names_of_this_machine_are_answered(open_port: int) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]", f"127.0.0.1:{open_port}", f"[::1]:{open_port}"):
        assert asked(open_port, "/", Host=host).status == 200, host
    for host in (
        "evil.example", f"evil.example:{open_port}", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0",
        "evil.example:127.0.0.1", "[::2]", "",
    ):  # fmt: skip
        assert asked(open_port, "/", Host=host).status in (400, 403), host


def test_another_sites_page_makes_nobody_post_or_fetch(open_port: int, closed_port: int) -> None:
    own = f"http://127.0.0.1:{open_port}"
    assert callback(open_port).status == callback(open_port, Origin=own).status == 200
    for origin in (
        "http://evil.example",
        "null",
        f"{own}0",
        f"http://localhost:{open_port}",
        "http://127.0.0.1",
    ):
        assert callback(open_port, Origin=origin).status == 403, origin
        assert callback(closed_port, Origin=origin, **BEARER).status == 403, origin
    for site in ("cross-site", "same-site"):  # the latter is another port of this machine
        elsewhere = {"Sec_Fetch_Site": site}
        for path in ("/api/describe", "/table.csv?of=/runs&file=runs"):
            assert asked(open_port, path, Sec_Fetch_Mode="cors", **elsewhere).status == 403, path
        assert callback(open_port, Sec_Fetch_Mode="navigate", **elsewhere).status == 403
        assert asked(open_port, "/", Sec_Fetch_Mode="navigate", **elsewhere).status == 200


def test_routes_that_write_are_answered_only_to_own_pages(open_port: int, closed_port: int) -> None:
    writing = ("/upload", "/what-if", "/runs/promote", "/runs/delete")
    for path in writing:
        given: dict[str, Any] = {"method": "POST", "body": "{}", "Content_Type": "application/json"}
        refused = asked(open_port, path, **given)
        assert refused.status == 403 and "own pages" in json.loads(refused.text)["error"], path
        assert "own pages" not in asked(open_port, path, **given, X_Pharmagraph="1").text
        elsewhere = asked(open_port, path, **given, X_Pharmagraph="1", Origin="http://evil.example")
        assert elsewhere.status == 403 and "no other site" in json.loads(elsewhere.text)["error"], path
        # behind a server with a certificate the page's origin has another scheme, and the same host
        own = {"Host": "lab.example", "Origin": "https://lab.example", "X_Pharmagraph": "1"}
        answer = asked(closed_port, path, **given, **own, **BEARER)
        assert "site" not in answer.text and "own pages" not in answer.text, path


def test_every_route_that_takes_a_post_is_guarded_or_only_reads(small: str) -> None:
    application = server.make_server(small, 0)
    application.stop()
    flask = application.wsgi_app
    posts = {rule.rule for rule in flask.url_map.iter_rules() if "POST" in (rule.methods or ())}
    reading = {path for path in posts if path.startswith(("/api/", "/_dash"))}
    assert posts - reading == {"/upload", "/what-if", "/runs/promote", "/runs/delete"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "NONSENSE"])
def test_other_methods_are_refused(open_port: int, method: str) -> None:
    assert asked(open_port, "/", method=method).status in (400, 405)


@pytest.mark.parametrize(
    "path", ["/", "/assets/explorer.js", "/api/describe", "/api/nowhere", "/_dash-nowhere"]
)
def test_every_answer_has_the_headers(open_port: int, closed_port: int, path: str) -> None:
    for port in (open_port, closed_port):  # refused ones, too
        answer = asked(port, path)
        policy = dict(
            part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
        )
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
        assert re.fullmatch(r"'self'( 'sha256-[\w+/=]+')+", policy["script-src"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "python" not in answer.headers.get("Server", "").casefold()


@pytest.mark.parametrize(
    "path",
    ["/assets/", "/assets/../server.py", "/assets/..%2fserver.py", "/_dash-component-suites/dash/../../server.py",
     "/assets/%00", "/_dash-component-suites/os/os.py", "/assets//etc/passwd"],
)  # fmt: skip
def test_no_folder_is_listed_and_no_other_file_is_sent(open_port: int, path: str) -> None:
    answer = asked(open_port, path)
    assert answer.status >= 400 or "<title>pharmagraph</title>" in answer.text  # an address of the pages' own
    assert "import" not in answer.text.replace("@import", "") and "root:" not in answer.text


@pytest.mark.parametrize(
    "body", ["", "{}", "[1]", "null", '"x"', '{"output": "..a..", "inputs": 3}', "[" * 100_000, "\x00\xff"]
)
def test_a_callback_that_is_none_shows_no_program(open_port: int, body: str) -> None:
    answer = asked(
        open_port,
        "/_dash-update-component",
        method="POST",
        body=body.encode(),
        Content_Type="application/json",
    )
    assert answer.status >= 400
    assert "Traceback" not in answer.text and "werkzeug" not in answer.text and ".py" not in answer.text


def test_a_body_or_header_that_is_too_large_is_refused_at_once(open_port: int) -> None:
    assert asked(open_port, "/", X_Long="x" * (100 << 10)).status == 413
    with socket.create_connection(("127.0.0.1", open_port), timeout=20) as client:
        client.sendall(
            b"POST /api/cypher HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000000\r\n\r\n{"
        )
        assert client.recv(100).split()[1] == b"413"
    with socket.create_connection(("127.0.0.1", open_port), timeout=20) as client:
        client.sendall(b"POST /api/cypher HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        block = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        with contextlib.suppress(OSError):  # the server hangs up
            for _ in range(64):
                client.sendall(block)
            pytest.fail("64 MiB were taken")


def test_clients_that_say_nothing_do_not_keep_others_out_for_long(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SECONDS", 1)
    with Served(small) as url, contextlib.ExitStack() as silent:
        port = int(url.rpartition(":")[2])
        for _ in range(server.THREADS + 5):
            client = silent.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET / HTTP/1.1\r\nHost: local")
        assert asked(port, "/api/nowhere").status == 404  # within the 30 s of `asked`


def test_whoever_asks_too_often_is_told_to_wait(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "COMPUTED", 5)
    monkeypatch.setattr(access, "REFUSED", 3)
    with Served(small) as url:
        port = int(url.rpartition(":")[2])
        found = [asked(port, "/api/nowhere").status for _ in range(8)]
        assert found == [404] * 5 + [429] * 3
        assert asked(port, "/assets/explorer.js").status == 200
        assert int(asked(port, "/api/nowhere").headers["Retry-After"]) > 0
    with Served(small, token=TOKEN) as url:
        port = int(url.rpartition(":")[2])
        assert [asked(port, "/").status for _ in range(5)] == [401] * 3 + [429] * 2
        assert asked(port, "/", **BEARER).status == 200  # who has the token is not kept out by who has not


def test_beyond_this_machine_a_token_is_required_and_never_typed(tmp_path: Path, small: str) -> None:
    words = ("serve", "--store", small, "--port", "0", "--no-browser")
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        assert "--new-token" in one_line(command(*words, "--host", host)), host
    assert command(*words, "--token", TOKEN).returncode == 2
    assert "32 or more" in one_line(command(*words, "--host", "0.0.0.0", PHARMAGRAPH_TOKEN="short"))
    assert "short" not in one_line(command(*words, "--host", "0.0.0.0", PHARMAGRAPH_TOKEN="short"))
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    assert "chmod 600" in one_line(command(*words, "--token-file", str(file)))
    assert "cannot read" in one_line(command(*words, "--token-file", str(tmp_path / "none")))
    # an address that this machine does not have
    assert "192.0.2.1" in one_line(command(*words, "--host", "192.0.2.1", PHARMAGRAPH_TOKEN=TOKEN))


def test_a_token_that_is_made_has_32_random_bytes_and_a_file_comes_first(tmp_path: Path) -> None:
    made = {str(tokens.token_for("0.0.0.0", new=True, environment={})) for _ in range(20)}
    assert len(made) == 20 and {len(token) for token in made} == {43}
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    assert tokens.token_for("0.0.0.0", file=file, environment={tokens.VARIABLE: "x" * 40}) == TOKEN
    assert tokens.token_for("127.0.0.1", environment={}) is tokens.token_for("::1", environment={}) is None
    with pytest.raises(InputError, match="leave one"):
        tokens.token_for("0.0.0.0", new=True, file=file, environment={})


def test_the_command_prints_its_token_once_and_answers_by_it(small: str) -> None:
    words = ["serve", "--store", small, "--port", "0", "--host", "0.0.0.0", "--new-token"]
    with subprocess.Popen(
        [sys.executable, "-m", "pharmagraph.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stdout is not None and served.stderr is not None
        line = served.stdout.readline()
        found = re.match(r"http://(\S+):(\d+)/\?token=(\S{43}) ", line)
        assert found is not None, line
        port, token = int(found[2]), found[3]
        assert token.encode() not in Path(f"/proc/{served.pid}/cmdline").read_bytes()
        assert asked(port, "/api/describe").status == 401
        assert asked(port, "/api/describe", Authorization=f"Bearer {token}").status == 200
        served.terminate()
        assert served.wait(30) == 143
        assert token not in served.stdout.read() + served.stderr.read()


def test_no_signal_raises_within_the_queue_of_the_server(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it did, one worker was not woken at the end, and the command never ended; seen in a run of all tests."""
    threads, make = [], server.make_server

    def stop_soon(port: int) -> None:
        asked(port, "/api/describe")
        os.kill(os.getpid(), signal.SIGINT)

    def noted(*words: Any, **more: Any) -> Any:
        made = make(*words, **more)
        put, port = made.requests.put, made.bind_addr[1]

        def put_by(connection: Any) -> None:
            threads.append(threading.current_thread())
            put(connection)

        made.requests.put = put_by
        threading.Thread(target=stop_soon, args=(port,)).start()
        return made

    monkeypatch.setattr(server, "make_server", noted)
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell in the background has it ignored
    try:
        server.serve(small, 0, browser=False)  # until the signal
    finally:
        signal.signal(signal.SIGINT, before)
    assert threads and threading.main_thread() not in threads
