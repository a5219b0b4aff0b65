"""The pages that the program prints of itself: every command's help, and the options of every preset.

``make docs`` writes them into `docs/` before it makes the site. They are not kept, so they are never stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import typer

from pharmagraph.cli import app
from pharmagraph.model.presets.config import PRESETS

WIDTH = 100


def commands() -> str:
    """The text of ``docs/commands.md``."""
    lines = [
        "# Commands",
        "",
        "Each command with its options, as `--help` prints them. What a command prints goes to standard output, and "
        "what it says on the way to standard error. It ends with 0 if all went well, 1 for what is yours to mend, and "
        "2 for wrong usage. `cli --install-completion` lets the shell complete names of drugs, genes and runs.",
        "",
    ]
    for path, command in _all("cli", typer.main.get_command(app)):
        with typer.Context(command, info_name=path, max_content_width=WIDTH, terminal_width=WIDTH) as context:
            lines += [f"## {path}", "", "```text", command.get_help(context).strip(), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _all(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command and all below it, with what is typed for each."""
    yield path, command
    for name, below in sorted(getattr(command, "commands", {}).items()):
        yield from _all(f"{path} {name}", below)


def presets() -> str:
    """The text of ``docs/presets.md``."""
    lines = [
        "# Presets",
        "",
        "`cli train --preset NAME` takes one of these, or the path of a YAML file of your own with the same options. "
        "`cli evaluate --set network.heads=4` changes one. `drgt` takes the settings of the graph's data set.",
        "",
    ]
    folder = resources.files("pharmagraph.model") / "presets"
    for name in PRESETS:
        file = folder / f"{name}.yaml"
        if file.is_file():
            lines += [f"## {name}", "", "```yaml", file.read_text(encoding="utf-8").strip(), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    folder = Path(__file__).parent
    (folder / "commands.md").write_text(commands(), encoding="utf-8")
    (folder / "presets.md").write_text(presets(), encoding="utf-8")
