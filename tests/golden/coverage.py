"""The parameters of every command, and those that a line uses."""

from __future__ import annotations

import shlex
from typing import Any

from typer.main import get_command

from pharmagraph.cli import app

Pair = tuple[str, str]
"""A command and one of its options or arguments, such as ``("export csv", "--around")``."""

_ROOT: Any = get_command(app)


def parameters() -> set[Pair]:
    """Every command with each of its options and arguments; the name alone for a command without any."""
    found: set[Pair] = set()

    def walk(command: Any, path: tuple[str, ...]) -> None:
        if hasattr(command, "commands"):
            for name, inner in command.commands.items():
                walk(inner, (*path, name))
            return
        found.update((" ".join(path), _written(p)) for p in command.params)
        found.add((" ".join(path), ""))

    walk(_ROOT, ())
    return found


def used(text: str) -> set[Pair]:
    """The command of a line with the options and arguments that the line gives; nothing if there is no such command."""
    words = shlex.split(text, comments=True)[1:]
    command, path = _ROOT, []
    while hasattr(command, "commands"):
        path.append(words.pop(0))
        if path[-1] not in command.commands:
            return set()
        command = command.commands[path[-1]]
    context = command.make_context(path[-1], words, resilient_parsing=True)
    given = [p for p in command.params if context.get_parameter_source(p.name).name == "COMMANDLINE"]
    return {(" ".join(path), "")} | {(" ".join(path), _written(p)) for p in given}


def _written(parameter: Any) -> str:
    return max(parameter.opts, key=len) if parameter.param_type_name == "option" else parameter.name.upper()
