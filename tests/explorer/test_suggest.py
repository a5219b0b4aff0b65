"""The plate that the explorer suggests is that of `cli suggest`; each well says why, to the keyboard, too."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Page, expect

import pharmagraph as pg
from pharmagraph import suggesting
from pharmagraph.explorer.choosing import Desk
from pharmagraph.explorer.pages import suggest
from pharmagraph.model.suggest.plate import Plate
from tests.explorer.conftest import DRUG, Site, opened

pytestmark = pytest.mark.once


def submit(tab: Page) -> None:
    tab.click("main form button[type=submit]")


def test_the_plate_is_the_commands_and_each_well_has_a_reason(tab: Page, site: Site, tmp_path: Path) -> None:
    opened(tab, "/suggest")
    tab.select_option("#suggest-by", "diverse")
    tab.fill("#suggest-controls", "6")
    tab.fill("#suggest-per_drug", "2")
    tab.fill("#suggest-seed", "3")
    submit(tab)
    wells = tab.locator(".plate td")
    expect(wells).to_have_count(96)
    with tab.expect_download() as saved:
        tab.click("button[aria-label^='CSV of']")
    saved.value.save_as(tmp_path / "page.csv")
    words = shlex.split(tab.inner_text("#command"))
    assert site.store in words
    command = [sys.executable, "-m", "pharmagraph.cli", *words[1:]]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "page.csv").read_text() == (tmp_path / "plate.csv").read_text()
    said = [well.get_attribute("aria-label") or "" for well in wells.all()]
    drugs = Counter(text.split(": ")[1].split(" on ")[0] for text in said if ", number " in text)
    assert drugs and max(drugs.values()) == 2
    with pg.open_store(site.store, read_only=True) as graph:
        ids = {row["id"] for row in graph.node_rows("Drug", ["id", "name"]) if row["id"] != row["name"]}
    assert not [text for text in said if ids & set(re.findall(r"[\w-]+", text))]
    assert all("unlike the pairs before it" in text for text in said if ", number " in text)
    assert sum("vehicle" in text or "positive control" in text for text in said) == 6


def test_the_arrow_keys_lead_from_well_to_well(tab: Page) -> None:
    opened(tab, "/suggest?plate=96&by=random")
    tab.focus(".plate td >> nth=0")
    expect(tab.locator("#well")).to_contain_text("A1: vehicle")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#well")).to_contain_text("B2: ")
    expect(tab.locator("#well")).to_contain_text("drawn at random")
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("ArrowUp")  # there is no well above
    expect(tab.locator("#well")).to_contain_text("A2: ")
    assert tab.locator(".plate td[tabindex='0']").count() == 1


def test_new_compounds_and_stocks_are_those_of_the_command(tab: Page, site: Site, tmp_path: Path) -> None:
    stocks = tmp_path / "in stock.csv"
    stocks.write_text(f"drug,wells\n{DRUG},3\naspirin,4\nsynthetic-drug-0002,0\n")
    opened(tab, "/suggest")
    tab.select_option("#suggest-by", "diverse")
    tab.fill("#suggest-controls", "6")
    tab.fill("#suggest-drugs", f"{DRUG}\nsynthetic-drug-0002")
    tab.fill("#suggest-compounds", "CC(=O)Oc1ccccc1C(=O)O aspirin\nOCc1cccc2ncncc12 not in stock")
    tab.set_input_files("#suggest-stocks", stocks)
    submit(tab)
    expect(tab.locator(".plate td")).to_have_count(96)
    said = [well.get_attribute("aria-label") or "" for well in tab.locator(".plate td").all()]
    drugs = Counter(text.split(": ")[1].split(" on ")[0] for text in said if ", number " in text)
    assert drugs["aspirin"] == 4 and drugs[DRUG] <= 3 and set(drugs) <= {"aspirin", DRUG}
    for button in ("button[aria-label^='CSV of: ']", "button:text-is('compounds.csv')"):
        with tab.expect_download() as saved:
            tab.click(f"{button} >> nth=0")
        saved.value.save_as(tmp_path / saved.value.suggested_filename.replace("plate", "page"))
    words = shlex.split(tab.inner_text("#command"))
    assert words[words.index("--stocks") + 1] == "in-stock.csv"
    stocks.rename(tmp_path / "in-stock.csv")
    command = [sys.executable, "-m", "pharmagraph.cli", *words[1:]]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "page.csv").read_text() == (tmp_path / "plate.csv").read_text()
    row = tab.locator("main tbody tr:has(td:text-is('aspirin'))").last
    assert row.locator("a:text-is('why')").count() == 0  # a new compound has no page


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name\nx\n", "drug"),
        ("drug\nno such drug\n", "no such drug"),
        (f"drug,wells\n{DRUG},-1\n", "no number of wells"),
        (f"drug\n{DRUG}\n{DRUG}\n", "twice"),
        ("drug,wells\n", "no rows"),
    ],
)
def test_a_wrong_stock_is_said_beside_its_field(tab: Page, tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "stocks.csv").write_text(content)
    opened(tab, "/suggest")
    tab.set_input_files("#suggest-stocks", tmp_path / "stocks.csv")
    submit(tab)
    wrong = tab.locator("#suggest-stocks-wrong")
    expect(wrong).to_contain_text(words)
    assert "/" not in wrong.inner_text()
    assert tab.locator("main .notice").count() == 1


def test_a_plate_that_takes_long_says_how_far_it_is(
    tab: Page, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, chosen = Event(), suggesting.Question.chosen

    def slowly(self: suggesting.Question, *, seed: int, advance: Callable[[], None]) -> object:
        for _ in range(7):
            advance()
        assert go_on.wait(60)
        return chosen(self, seed=seed, advance=advance)

    monkeypatch.setattr(suggesting.Question, "chosen", slowly)
    monkeypatch.setattr(suggest, "SOON", 0.1)
    opened(tab, "/suggest?plate=96&by=diverse&seed=7")
    expect(tab.locator("#so-far")).to_contain_text("7 of 80 pairs are chosen")
    assert tab.get_attribute("main progress", "value") == "7"
    go_on.set()
    expect(tab.locator(".plate td")).to_have_count(96)
    assert tab.locator("#so-far").count() == 0


class Slow:
    """A question that is answered when it is told to."""

    def __init__(self) -> None:
        self.plate, self.go_on, self.steps = Plate(96, 16), Event(), 0

    def chosen(self, *, seed: int, advance: Callable[[], None]) -> tuple[str, int]:
        while not self.go_on.wait(0.02):
            self.steps += 1
            advance()
        return "plate", seed


def test_a_plate_is_chosen_once_for_all_that_wait_and_left_when_nobody_does() -> None:
    desk, slow = Desk(patience=0.5), Slow()
    first = desk.choosing("key", lambda: (slow, 3))  # type: ignore[arg-type, return-value]
    assert first.wait(0.1) is None and first.n > 0 and first.total == 80
    assert desk.choosing("key", lambda: pytest.fail("was begun twice")) is first
    slow.go_on.set()
    assert first.wait(5) == ("plate", 3) == desk.choosing("key", lambda: pytest.fail("is there")).wait(0)
    left = Slow()
    second = desk.choosing("other", lambda: (left, 0))  # type: ignore[arg-type, return-value]
    until = time.monotonic() + 20
    while not second.is_over:
        assert time.monotonic() < until
        time.sleep(0.05)
    steps = left.steps
    time.sleep(0.2)
    assert left.steps == steps  # it computes no more
    assert desk.choosing("other", lambda: (left, 0)) is not second  # type: ignore[arg-type, return-value]
    left.go_on.set()


def test_on_a_phone_the_reason_of_a_well_and_those_of_the_table_are_in_sight(tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 700})
    opened(tab, "/suggest?plate=1536&by=random&per_drug=3")
    tab.locator(".plate td[data-said*='number 1,']").click()
    expect(tab.locator("#well")).to_contain_text("drawn at random")
    expect(tab.locator("#well")).to_be_in_viewport()
    reason = tab.locator("main .stacked td[data-head=reason]").first
    box = reason.bounding_box()
    assert (
        box and box["x"] >= 0 and box["x"] + box["width"] <= 390 and "drawn at random" in reason.inner_text()
    )


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ("plate=96&controls=96", "controls", "no room for a pair"),
        ("plate=97", "plate", "96, 384 or 1536"),
        ("plate=96&control_columns=13", "control_columns", "columns 1 to 12"),
        ("plate=96&control_columns=a", "control_columns", "no list of numbers"),
        ("plate=96&doses=0", "doses", "whole number from 1"),
        ("plate=96&by=luck", "by", "no way to choose"),
        ("plate=96&by=targets", "by", "one drug"),
        ("plate=96&drugs=nodrug", "drugs", "nodrug"),
        (f"plate=96&by=targets&drugs={DRUG}&genes=NOGENE9", "genes", "NOGENE9"),
        ("plate=96&compounds=CCO%0Ac1ccc", "compounds", "line 2"),
        ("plate=96&compounds=nodrug", "compounds", "nodrug"),
        ("plate=96&file=gone", "file", "not kept any more"),
        ("plate=96&stocks=gone", "stocks", "not kept any more"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(tab: Page, given: str, field: str, words: str) -> None:
    opened(tab, f"/suggest?{given}")
    expect(tab.locator(f"#suggest-{field}-wrong")).to_contain_text(words)
    expect(tab.locator("#suggest-plate")).to_have_value("96")  # of a select, what may be chosen
    assert tab.locator("main .notice").count() == 1
