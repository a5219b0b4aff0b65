"""Help has an example for each command, in sections; `cli` alone tells what is here."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pharmagraph as pg
from pharmagraph.cli import GROUPS, app
from tests.golden.coverage import parameters, used

APPS = {"": app} | {f"{name} ": group for group, name, _ in GROUPS}
COMMANDS = [
    (prefix + (c.name or c.callback.__name__.replace("_", "-")), str(c.epilog or ""))  # type: ignore[union-attr]
    for prefix, group in APPS.items()
    for c in group.registered_commands
]


@pytest.mark.parametrize(("command", "epilog"), COMMANDS)
def test_the_example_of_a_command_is_one_of_it_with_options_that_it_has(command: str, epilog: str) -> None:
    assert epilog.startswith(f"Example: cli {command}")
    assert used(epilog.removeprefix("Example: ")) <= parameters()
    shown = CliRunner().invoke(app, [*shlex.split(command), "--help"]).stdout
    assert " ".join(epilog.split()) in " ".join(shown.split())


def test_sections_hold_every_command_with_a_whole_sentence() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert "..." not in shown.partition("\n")[2]
    assert [line for line in shown.splitlines() if line.endswith(":") and not line.startswith((" ", "Usage"))] == [
        "Options:", "Begin:", "Train and predict:", "Ask:", "Judge:", "Move:",
    ]  # fmt: skip


def test_cli_alone_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHARMAGRAPH_STORE", raising=False)
    alone = CliRunner().invoke(app, [])
    assert alone.exit_code == 0
    assert "there is no store" in alone.stdout and "cli ingest tables FOLDER" in alone.stdout
    assert not any(tmp_path.iterdir())


def test_cli_alone_tells_what_the_store_here_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHARMAGRAPH_STORE", raising=False)
    with pg.open_store("ladybug://pharmagraph.lbug") as store:
        pg.ingest.synthetic(store, drugs=12, cells=16, genes=40)
    told = CliRunner().invoke(app, []).stdout
    assert "12 drugs, 40 genes, 16 cell lines" in told and "0 runs" in told
    assert "ready to train; next: cli train" in told
