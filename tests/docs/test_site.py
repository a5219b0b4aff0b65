"""`make docs` makes a site in which no page or link is missing, and which takes nothing from a network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
_TAKEN = re.compile(r"<(?:script|img|link|iframe)[^>]+?(?:src|href)=[\"']?(https?:[^\"' >]+)")

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as `make docs` does, from a copy of the pages."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copy(CHECKOUT / "mkdocs.yml", folder)
    shutil.copytree(CHECKOUT / "docs", folder / "docs")
    subprocess.run([sys.executable, folder / "docs" / "reference.py"], check=True)
    zensical = Path(sys.executable).with_name("zensical")
    done = subprocess.run(
        [zensical, "build", "--clean", "--strict"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_every_page_is_in_the_site_and_in_its_menu(site: Path) -> None:
    pages = {path.stem for path in (CHECKOUT / "docs").glob("*.md")} | {"commands", "presets"}
    assert {path.stem for path in site.glob("*.html")} - {"404"} == pages
    sections = yaml.safe_load((CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    listed = re.findall(r"[\w-]+(?=\.md)", str(sections))
    assert sorted(listed) == sorted(pages)


def test_nothing_is_taken_from_a_network(site: Path) -> None:
    taken = {url for page in site.rglob("*.html") for url in _TAKEN.findall(page.read_text(encoding="utf-8"))}
    assert taken == set()


def test_the_commands_are_those_of_the_program(site: Path) -> None:
    text = (site / "commands.html").read_text(encoding="utf-8")
    for command in ("cli ingest tables", "cli runs promote", "cli export neo4j-import"):
        assert f"Example: {command}" in text
