"""The doctor's report names no user, machine, secret or place."""

from __future__ import annotations

import getpass
import json
import re
import socket
from pathlib import Path

import pytest

from pharmagraph.workflow.doctor import Finding
from pharmagraph.workflow.doctor_report import private_words, without_private
from tests.faults.conftest import command

MARKERS = {
    "USER": "MARKERUSER",
    "LOGNAME": "MARKERLOGIN",
    "HOSTNAME": "MARKERMACHINE",
    "NEO4J_USERNAME": "MARKERNEO",
    "NEO4J_PASSWORD": "MARKER/pass word",
    "PHARMAGRAPH_TOKEN": "MARKERTOKEN" * 4,
    "SOME_API_KEY": "MARKERKEY",
    "PHARMAGRAPH_STORE": "bolt://MARKERHOST.example:7687",
}


def test_a_report_with_markers_planted_all_over_has_none(tmp_path: Path) -> None:
    home = tmp_path / "MARKERHOME"
    cache = home / "a MARKER cache"
    cache.mkdir(parents=True)
    done = command("doctor", "--report", "report.json", HOME=str(home), XDG_CACHE_HOME=str(cache), **MARKERS)
    assert "report.json has no names" in done.stderr, done.stderr
    text = (tmp_path / "report.json").read_text()
    found = json.loads(text)
    assert "marker" not in text.casefold()
    for word in (str(tmp_path), str(Path(__file__).parents[2])):
        assert word not in text
    for word in (socket.gethostname(), getpass.getuser()):
        assert not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", json.dumps(found["findings"])), word
    assert "MARKER" in done.stdout  # the terminal is the user's own
    # and it is of use: what was checked, how it went, and with which versions
    states = {row["what"]: row["state"] for row in found["findings"]}
    assert states["python"] == "ok" and states["neo4j"] == "broken" and found["packages"]["torch"]
    assert "PHARMAGRAPH_TOKEN" in found["set"]


@pytest.mark.parametrize(
    "text",
    [
        "/home/bea/data/x.lbug", "cannot open '/srv/bea/x': No such file", r"C:\Users\bea\x", "~/bea", "../bea/x",
        "bolt://bea:word@ann.example:7687 answers", "at BEA.local", "file:///bea", r"\\bea\share",
    ],
)  # fmt: skip
def test_places_and_addresses_of_every_form_are_replaced(text: str) -> None:
    assert "bea" not in without_private(text, ["bea"]).casefold()


def test_what_is_no_place_stays() -> None:
    for text in (
        "c++",
        "3.11.7 on Linux x86_64, 2 cores",
        "torch 2.15.0, neo4j 6.4.1",
        "on cpu, cpu: avx512",
    ):
        assert without_private(text, ["bea", "x"]) == text
    row = Finding("embedded store", "ok", "writes and reads, schema 9").row()
    assert {without_private(v, private_words({})) for v in row.values()} == set(row.values())
