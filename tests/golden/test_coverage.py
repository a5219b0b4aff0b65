"""No command, option or preset is left out of the golden tests, unless a reason is written here."""

from __future__ import annotations

from pharmagraph.cli import app
from pharmagraph.model.presets.config import PRESETS
from tests.golden.conftest import DEMO
from tests.golden.coverage import Pair, parameters, used
from tests.golden.test_golden import ON_NEO4J, TYPED

EXEMPT = {
    "db start": "starts a server; tests/integration/test_db_commands.py does",
    "db stop": "stops a server; tests/integration/test_db_commands.py does",
    "db status": "asks for the server of `db start`; tests/integration/test_db_commands.py does",
    "serve": "serves until it is stopped; tests/explorer/test_bad_input.py starts and stops it",
    "mcp": "serves until its client hangs up; tests/assistant/test_server.py is such a client",
    "db logs": "reads the log of the server of `db start`; tests/integration/test_db_commands.py does",
}
"""Command → why none of its options is in a golden test."""


def _seen() -> set[Pair]:
    return set().union(*(used(text) for text in (DEMO, *(line.text for line in TYPED), *ON_NEO4J)))


def test_every_option_of_every_command_is_in_a_line_that_is_run() -> None:
    missing = sorted(pair for pair in parameters() - _seen() if pair[0] not in EXEMPT)
    assert not missing, f"in no line of a page nor of commands.txt: {[' '.join(pair) for pair in missing]}"


def test_what_is_exempt_exists_and_is_in_no_line() -> None:
    commands = {command for command, _ in parameters()}
    assert set(EXEMPT) <= commands
    assert not set(EXEMPT) & {command for command, _ in _seen()}


def test_a_line_gives_the_options_that_are_written_in_it() -> None:
    assert used("cli ingest pathways sets.gmt --name mine --quiet  # a comment") == {
        ("ingest pathways", ""),
        ("ingest pathways", "FILE"),
        ("ingest pathways", "--name"),
        ("ingest pathways", "--quiet"),
    }
    assert ("status", "--store") in parameters() and app.info.name == "cli"


def test_every_shipped_preset_is_trained() -> None:
    lines = [line.text for line in TYPED if line.text.startswith("cli train")]
    trained = {preset for preset in PRESETS for text in lines if f"--preset {preset}" in text}
    settings_of_drgt = {
        name for name in PRESETS if name.startswith("drgt-")
    }  # `drgt` picks one by the data set
    assert trained | {"default"} | settings_of_drgt == set(PRESETS)
    assert "cli train --promote" in {text.split("  ")[0] for text in lines}, (
        "the default preset, by its name or by none"
    )
