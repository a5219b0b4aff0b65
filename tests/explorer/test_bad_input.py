"""What is typed wrong, or a store that goes away, gives a page that says so; nothing but the graph is read."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import pharmagraph as pg
from pharmagraph.explorer.app import page_at
from pharmagraph.explorer.asking import free
from pharmagraph.explorer.page import Page
from pharmagraph.explorer.server import make_server
from pharmagraph.kg.errors import InputError, QueryError, StoreError
from pharmagraph.kg.free_cypher import SHOWN
from tests.explorer.conftest import DRUG, Served, Site, heading, until

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a screen and no run."""
    url = f"ladybug://{tmp_path_factory.mktemp('small') / 'graph.lbug'}"
    with pg.open_store(url) as store:
        pg.ingest.synthetic(store)
    return url


@pytest.fixture(scope="module")
def address(small: str) -> Iterator[str]:
    """The explorer on that store."""
    with Served(small) as url:
        yield url


def said(page: Page) -> str:
    """All that a page shows, as Dash would send it."""
    return str(page.component())


@pytest.mark.parametrize(
    ("path", "given", "title", "part"),
    [
        ("/nowhere", "", "No such page", "/nowhere"),
        ("/drug", "", "No such page", "/drug"),
        ("/drug/a/b", "", "No such page", "/drug/a/b"),
        ("/drug/synthetc-drug-0001", "", "Not found", "did you mean"),
        ("/gene/%F0%9F%92%8A", "", "Not found", "no gene"),
        ("/cell-line/' OR 1=1 --", "", "Not found", "OR 1=1"),
        ("/tissue/nose", "", "Not found", "no tissue"),
        ("/pathway/none", "", "Not found", "no pathway"),
        ("/runs/none", "", "Not found", "no run"),
        ("/query/none", "", "Not found", "no query"),
        ("/query/responses", "?drug=none", "responses", "no drug"),
        ("/query/responses", f"?drug={DRUG}&limit=many", "responses", "not a whole number"),
        ("/network", "?node=erlotinib", "This cannot be shown", "is no node"),
        ("/network", f"?node=Drug:{DRUG}&limit=1000", "This cannot be shown", "1 to 60"),
        ("/search", "?q=qqqqqqqq", "Nothing found", "qqqqqqqq"),
        ("/search", "?q=" + "x" * 5000, "Nothing found", "…"),
        (f"/drug/{DRUG}", "", DRUG, "No run is promoted"),
        (f"/drug/{DRUG}", "?run=none", "Not found", "no run"),
        (
            "/pair/synthetic-drug-0001/synthetic-line-0001",
            "",
            f"{DRUG} on synthetic-line-0001",
            "No run is promoted",
        ),
    ],
)
def test_a_wrong_address_gives_a_page_that_says_so(
    small: str, path: str, given: str, title: str, part: str
) -> None:
    page = page_at(small, path, given)
    assert page.title.startswith(title)
    assert part in said(page)
    assert not page.retry


@pytest.mark.parametrize(
    "cypher",
    [
        "MATCH (d:Drug) DETACH DELETE d",
        "CREATE (:Drug {id: 'X'})",
        "MATCH (d:Drug) SET d.name = 'X' RETURN d",
        "LOAD FROM '/etc/passwd' RETURN *",
        "COPY (MATCH (d:Drug) RETURN d.id) TO 'out.csv'",
        "EXPORT DATABASE 'out'",
        "ATTACH 'other.lbug' AS other (dbtype lbug)",
        "INSTALL httpfs",
        "MATCH (d:Drug) RETURN d.id; MATCH (d:Drug) DETACH DELETE d",
        "no Cypher at all",
    ],
)
def test_cypher_that_does_more_than_read_is_refused(small: str, cypher: str, tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        free(small, cypher, {})
    assert list(tmp_path.iterdir()) == []
    with pg.open_store(small, read_only=True) as store:
        assert store.counts()["Drug"] == 60


def test_a_large_answer_is_cut(small: str) -> None:
    answer = free(small, "MATCH (a:Gene), (b:Gene), (c:Gene) RETURN a.id, b.id, c.id", {})
    assert len(answer.rows) == SHOWN.rows and answer.are_more
    answer = free(small, "MATCH (t:Pathway) RETURN t.id LIMIT 3", {})
    assert len(answer.rows) == 3 and not answer.are_more


def test_the_page_comes_back_with_its_store(small: str, tmp_path: Path, browser: Browser) -> None:
    file = tmp_path / "graph.lbug"
    shutil.copy(small.removeprefix("ladybug://"), file)
    with Served(f"ladybug://{file}") as url:
        file.rename(tmp_path / "elsewhere")
        tab = browser.new_page()
        tab.set_default_timeout(60_000)
        tab.goto(url)
        assert heading(tab) == "The store does not answer"
        assert "there is no store at" in tab.inner_text("main")
        (tmp_path / "elsewhere").rename(file)
        until(tab, "document.querySelector('main h1').innerText === 'What is in the graph'")
        tab.close()


def test_a_page_is_shown_while_another_process_has_the_store_open(small: str, tmp_path: Path) -> None:
    file = tmp_path / "graph.lbug"
    shutil.copy(small.removeprefix("ladybug://"), file)
    program = f"import time, pharmagraph as pg\ns = pg.open_store('ladybug://{file}')\n"
    program += "print('open', flush=True)\ntime.sleep(99)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None and other.stdout.readline() == "open\n"
            assert page_at(f"ladybug://{file}", "/", "").title == "What is in the graph"
        finally:
            other.kill()


def test_a_file_that_is_no_store_is_said_and_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "graph.lbug").write_text("no store")
    page = page_at(f"ladybug://{tmp_path / 'graph.lbug'}", "/", "")
    assert page.retry and "is not a pharmagraph store" in said(page)


def test_another_process_writes_while_the_explorer_runs(small: str, tmp_path: Path) -> None:
    file = tmp_path / "graph.lbug"
    shutil.copy(small.removeprefix("ladybug://"), file)
    store = f"ladybug://{file}"
    with Served(store):
        assert "Nothing found" in said(page_at(store, "/search", "?q=newcomer"))
        program = (
            "import pyarrow as pa, pharmagraph as pg\n"
            f"with pg.open_store('{store}') as s:\n"
            "    s.upsert_nodes('Drug', pa.table({'id': ['NEW'], 'name': ['newcomer']}))\n"
            "    s.upsert_nodes('Dataset', pa.table({'id': ['later'], 'ingested_at': ['2030-01-01']}))\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)
        assert page_at(store, "/search", "?q=newcomer").goto == "/drug/NEW"


def test_only_this_machine_is_answered(address: str) -> None:
    def asked(host: str) -> int:
        request = urllib.request.Request(address, headers={"Host": host})
        try:
            with urllib.request.urlopen(request) as answer:
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    port = address.rpartition(":")[2]
    assert asked(f"127.0.0.1:{port}") == asked(f"localhost:{port}") == 200
    assert asked(f"evil.example:{port}") == asked("evil.example") == 403


def test_a_port_that_is_taken_and_a_store_that_is_not_there_are_said(
    small: str, address: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="--port"):
        make_server(small, int(address.rpartition(":")[2]))
    with pytest.raises(StoreError, match="there is no store at"):
        make_server(f"ladybug://{tmp_path / 'none.lbug'}", 0)


def test_the_command_serves_until_it_is_stopped(small: str) -> None:
    words = ["serve", "--store", small, "--port", "0", "--no-browser"]
    with subprocess.Popen(
        [sys.executable, "-m", "pharmagraph.cli", *words], stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        address = command.stdout.readline().split()[0]
        with urllib.request.urlopen(address) as answer:
            assert b"<title>pharmagraph</title>" in answer.read()
        command.terminate()
        begun = time.monotonic()
        assert command.wait(20) == 143 and time.monotonic() - begun < 20


def test_a_message_of_the_engine_ends_with_one_full_stop(site: Site) -> None:
    said = str(page_at(site.store, "/query", "cypher=MATCH (d:Drag) RETURN d.name").component())
    assert "Table Drag does not exist.'" in said and ".." not in said
