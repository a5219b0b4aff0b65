"""Sliders ask what a prediction becomes when a gene changes, and answer as `cli explain --set` and `--silence` do."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

import pharmagraph as pg
from pharmagraph.explorer import access, what_if
from pharmagraph.model.explain.changeable import changeable
from tests.explorer.conftest import DRUG, GENE, LINE, Site, opened, rows, until

pytestmark = pytest.mark.once

PAIR = f"/pair/{DRUG}/{LINE}"


def said(tab: Page, at: int) -> tuple[float, float, float]:
    until(tab, f"document.getElementById('if-{at}-said').textContent.includes('→')")
    text = tab.inner_text(f"#if-{at}-said")
    before, _, after, difference = text.removeprefix("probability ").split()
    return float(before), float(after), float(difference.strip("()"))


def test_a_slider_answers_as_the_library_within_a_second(tab: Page, site: Site) -> None:
    opened(tab, PAIR)
    gene = tab.get_attribute(".slider >> nth=0", "data-gene") or ""
    tab.wait_for_selector("#if-0")
    tab.fill("#if-0", tab.get_attribute("#if-0", "min") or "")
    silenced = said(tab, 0)
    with pg.open_store(site.store, read_only=True) as store:
        run = pg.Run.open(store)
        expected = run.what_if(DRUG, LINE, silence=gene).iloc[0]
        other = run.what_if(DRUG, LINE, expression={gene: 1.25}).iloc[0]
    assert silenced == pytest.approx(
        (expected["before"], expected["after"], expected["difference"]), rel=1e-3
    )
    assert silenced[2] != 0
    begun = time.monotonic()
    tab.evaluate("document.getElementById('if-0-said').textContent = ''")
    tab.fill("#if-0", "1.25")
    changed = said(tab, 0)
    assert time.monotonic() - begun < 5  # a second where nothing else runs
    assert changed[2] == pytest.approx(other["difference"], rel=1e-3)


def test_the_last_answer_counts_and_all_can_be_put_back(tab: Page, site: Site) -> None:
    opened(tab, PAIR)
    tab.wait_for_selector("#if-1")
    low, high = (tab.get_attribute("#if-1", name) or "" for name in ("min", "max"))
    gene = tab.get_attribute(".slider >> nth=1", "data-gene") or ""
    with pg.open_store(site.store, read_only=True) as store:
        expected = pg.Run.open(store).what_if(DRUG, LINE, expression={gene: float(high)})["difference"][0]
    for value in (low, high, low, high):
        tab.fill("#if-1", value)
    difference = "parseFloat(document.getElementById('if-1-said').textContent.split('(')[1])"
    until(tab, f"Math.abs({difference} - {expected}) <= {abs(expected) / 1000}")
    tab.wait_for_timeout(1000)  # an answer to an earlier question would come now
    assert tab.evaluate(difference) == pytest.approx(expected, rel=1e-3)
    option, _, z = tab.inner_text("#what-if-command").partition(" --set ")[2].partition("=")
    assert option == gene and float(z) == pytest.approx(float(high), rel=1e-5) and len(z.lstrip("-")) <= 8
    tab.fill("#if-1", low)
    assert tab.inner_text("#what-if-command").endswith(f" --silence {gene}")
    now = tab.get_attribute(".slider >> nth=1", "data-now")
    tab.click("#as-it-is")
    expect(tab.locator("#if-1-said")).to_have_text("")
    assert float(tab.input_value("#if-1")) == pytest.approx(float(now or "nan"))


def test_several_genes_together_are_those_of_the_command(tab: Page, site: Site) -> None:
    opened(tab, PAIR)
    tab.wait_for_selector("#if-2")
    expect(tab.locator("#together-row")).to_be_hidden()
    genes = [tab.get_attribute(f".slider >> nth={n}", "data-gene") or "" for n in range(3)]
    for at, z in ((0, "1.25"), (2, "-0.75")):
        tab.fill(f"#if-{at}", z)
    expect(tab.locator("#together")).to_contain_text("→")
    words = shlex.split(tab.inner_text("#what-if-command"))
    assert words[-4:] == ["--set", f"{genes[0]}=1.25", "--set", f"{genes[2]}=-0.75"]
    done = subprocess.run(
        [sys.executable, "-m", "pharmagraph.cli", *words[1:], "--format", "json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    first, second, whole = rows(done.stdout)
    together = float(tab.inner_text("#together").split("(")[1].strip(")"))
    assert whole["change"] == "all together" and together == pytest.approx(whole["difference"], rel=1e-3)
    assert [said(tab, 0)[2], said(tab, 2)[2]] == pytest.approx(
        [first["difference"], second["difference"]], rel=1e-3
    )
    tab.click("#as-it-is")
    expect(tab.locator("#together-row")).to_be_hidden()
    assert tab.inner_text("#what-if-command").endswith("--set GENE=Z")


def test_a_slider_is_moved_by_the_keyboard(tab: Page) -> None:
    opened(tab, PAIR)
    tab.wait_for_selector("#if-3")
    tab.focus("#if-3")
    before = float(tab.input_value("#if-3"))
    tab.keyboard.press("ArrowRight")
    assert float(tab.input_value("#if-3")) > before
    assert said(tab, 3)
    assert tab.get_attribute("#if-3", "aria-describedby") == "if-3-said"


def test_genes_that_can_be_changed_have_the_bounds_of_all_cell_lines(site: Site) -> None:
    with pg.open_store(site.store, read_only=True) as store:
        run = pg.Run.open(store)
        pair = run.explain(DRUG, LINE, limit=20)
        found = changeable(run.folder, pair.cell_line["id"] if pair.cell_line else "", pair.contributions)
        for row in [r for r in found if r["feature"] == "expression"][:3]:
            as_it_is = run.what_if(DRUG, LINE, expression={row["gene"]: row["now"]}).iloc[0]
            least = run.what_if(DRUG, LINE, expression={row["gene"]: row["least"]}).iloc[0]
            silenced = run.what_if(DRUG, LINE, silence=row["gene"]).iloc[0]
            assert as_it_is["difference"] == pytest.approx(0, abs=1e-6)
            assert least["after"] == pytest.approx(silenced["after"], abs=1e-9)
            assert row["least"] <= row["now"] <= row["most"]
    assert [row["gene"] for row in found] == [
        r["part"] for r in pair.contributions if r["feature"] == "expression"
    ]


@pytest.mark.parametrize(
    ("more", "headers", "code"),
    [
        ({}, {"X-Pharmagraph": "1"}, 200),
        ({}, {}, 403),
        ({}, {"X-Pharmagraph": "1", "Origin": "http://evil.example"}, 403),
        ({"changes": [{"gene": "NOGENE9"}]}, {"X-Pharmagraph": "1"}, 400),
        ({"changes": [{"gene": GENE, "z": 1e39}]}, {"X-Pharmagraph": "1"}, 400),
        ({"changes": []}, {"X-Pharmagraph": "1"}, 400),
        ({"changes": [{"gene": GENE}] * 41}, {"X-Pharmagraph": "1"}, 400),
        ({"run": "none"}, {"X-Pharmagraph": "1"}, 400),
        ({"file": "/etc/passwd"}, {"X-Pharmagraph": "1"}, 400),
    ],
)
def test_only_what_a_slider_may_ask_is_answered(
    site: Site, more: dict[str, Any], headers: dict[str, str], code: int
) -> None:
    server = Flask("what-if")
    what_if.register(server, site.store)
    access.guard(server, None, [])
    asked = {
        "drug": "SYNTHETICDRUG0001",
        "cell_line": "SYNTHETICLINE0001",
        "run": site.run,
        "changes": [{"gene": GENE, "z": 0.5}],
    }
    answer = server.test_client().post("/what-if", json=asked | more, headers=headers)
    assert answer.status_code == code, answer.get_json()
    if code != 200:
        assert "error" in answer.get_json()
