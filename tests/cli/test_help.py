"""Help has an example for each command, in sections; `cli` alone tells what is here."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small screen in the default store."""
    folder = tmp_path_factory.mktemp("made")
    with pg.open_store(f"ladybug://{folder / 'pharmagraph.lbug'}") as store:
        pg.ingest.synthetic(store, drugs=12, cells=16, genes=40)
    return folder


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
        "Options:", "Begin:", "Train and predict:", "Ask:", "Judge:", "Keep:", "Move:",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("tr", ["train"]),
        ("predict --drug SYNTHETIC-drug-000", [f"SYNTHETIC-drug-000{n}" for n in range(1, 10)]),
        ("explain --drug x --cell synthetic-line-0016", ["synthetic-line-0016"]),
        ("query top-g", ["top-genes"]),
        ("query top-genes dr", ["drug="]),
        ("query top-genes drug=synthetic-drug-0012", ["drug=synthetic-drug-0012"]),
        ("query no-such-query dr", []),
        ("train --dataset s", ["synthetic"]),
        (
            "export graphml out.graphml --around synthetic-line-001",
            [f"synthetic-line-001{n}" for n in range(7)],
        ),
        ("export csv out --gene SYNTHETICG0001", [f"SYNTHETICG0001{n}" for n in range(10)]),
        ("runs show x", []),
    ],
)
def test_the_shell_completes_names_of_the_store(
    made: Path, words: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    monkeypatch.delenv("PHARMAGRAPH_STORE", raising=False)
    asked = {
        "_CLI_COMPLETE": "complete_bash",
        "COMP_WORDS": f"cli {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    done = CliRunner(env=asked).invoke(app, [], prog_name="cli")
    assert done.stdout.split() == found


def test_without_a_store_nothing_is_completed_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = {"_CLI_COMPLETE": "complete_bash", "COMP_WORDS": "cli predict --drug s", "COMP_CWORD": "3"}
    assert CliRunner(env=asked).invoke(app, [], prog_name="cli").stdout.split() == []
    assert not any(tmp_path.iterdir())


def test_cli_alone_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHARMAGRAPH_STORE", raising=False)
    alone = CliRunner().invoke(app, [])
    assert alone.exit_code == 0
    assert "there is no store" in alone.stdout and "cli ingest tables FOLDER" in alone.stdout
    assert not any(tmp_path.iterdir())


def test_cli_alone_tells_what_the_store_here_holds(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    monkeypatch.delenv("PHARMAGRAPH_STORE", raising=False)
    told = CliRunner().invoke(app, []).stdout
    assert "12 drugs, 40 genes, 16 cell lines" in told and "0 runs" in told
    assert "ready to train; next: cli train" in told


def test_names_of_the_store_are_completed_wherever_they_are_asked_for() -> None:
    """Options of these names take files or numbers in the commands that are left out."""
    of_nodes = {
        "--drug",
        "--gene",
        "--cell",
        "--tissue",
        "--dataset",
        "--run",
        "--around",
        "--train-on",
        "--test-on",
    }
    found = set()

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*path, name))
        for parameter in getattr(command, "params", ()):
            completed = [v for k, v in vars(parameter).items() if "complet" in k and v is not None]
            if of_nodes & set(parameter.opts) and not completed:
                found.add((*path, *parameter.opts))

    walk(get_command(app), ())
    assert found == set()
