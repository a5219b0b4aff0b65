"""The plate that the explorer suggests is that of `cli suggest`; each well says why, to the keyboard, too."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

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
    ],
)
def test_what_is_wrong_is_said_beside_the_field(tab: Page, given: str, field: str, words: str) -> None:
    opened(tab, f"/suggest?{given}")
    expect(tab.locator(f"#suggest-{field}-wrong")).to_contain_text(words)
    assert tab.locator("main .notice").count() == 1
