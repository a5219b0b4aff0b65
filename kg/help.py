"""How `--help` lists commands: in sections, with their whole first sentence, and an example a command."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import typer

OTHER = "Commands"
"""Section of commands that name none."""


class Sections(TyperGroup):
    """A group whose `--help` lists each section of commands under its name (``rich_help_panel``)."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the sections in the order of their first commands."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is None or command.hidden:
                continue
            section = getattr(command, "rich_help_panel", None)
            rows = sections.setdefault(section if isinstance(section, str) else OTHER, [])
            rows.append((name, _first_sentence(command.help or "")))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


def add(app: typer.Typer, commands: Mapping[str, Iterable[tuple[Callable[..., None], str]]]) -> None:
    """Add commands to an app.

    Parameters
    ----------
    app
        Made with ``cls=Sections``.
    commands
        Section → its commands, each with an example, which its `--help` ends with.
    """
    for section, members in commands.items():
        for command, example in members:
            app.command(rich_help_panel=section, epilog=f"Example: {example}")(command)


def _first_sentence(text: str) -> str:
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split()).removesuffix(".")
