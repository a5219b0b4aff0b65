"""Assembles the commands of the packages; holds no logic. Entry points: `cli` and `pharmagraph`."""

# An import may open a file and keep it open, so descriptors 0 to 2 are filled before the other imports:
# ruff: noqa: E402

from __future__ import annotations

from pharmagraph.kg.descriptors import fill_standard

fill_standard()

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from copy import copy
from itertools import pairwise
from typing import Annotated

import typer
from typer.models import CommandInfo

from pharmagraph.assistant import commands as assistant
from pharmagraph.cypher import commands as cypher
from pharmagraph.explorer import commands as explorer
from pharmagraph.ingest import commands as ingest
from pharmagraph.kg import step_log, steps
from pharmagraph.kg.commands import db, export, here, keeping, runs, status
from pharmagraph.kg.errors import PharmagraphError, shortened
from pharmagraph.kg.help import Sections, add
from pharmagraph.kg.step_log import LogFormat
from pharmagraph.kg.terminal import one_line, replace_signs
from pharmagraph.kg.wording import typed
from pharmagraph.model.commands import (
    calibration,
    compare,
    enrich,
    evaluate,
    evaluate_biomarkers,
    evaluate_certainty,
    evaluate_targets,
    explain,
    predict,
    report,
    suggest,
    train,
)
from pharmagraph.workflow import commands as workflow

app = typer.Typer(
    name="cli",
    help="A drug-response knowledge graph whose attention you can query.",
    cls=Sections,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich takes as long as all the rest of `cli --help`
    context_settings={"max_content_width": 120},
)


@app.callback()
def _messages(
    context: typer.Context,
    log_format: Annotated[
        LogFormat,
        typer.Option(
            envvar="PHARMAGRAPH_LOG_FORMAT",
            help="json writes a line for each step on standard error: its name, counts and duration.",
        ),
    ] = LogFormat.text,
) -> None:
    """Messages name arguments as commands have them; without a command, what is here is told."""
    context.with_resource(typed())
    # lines of JSON last as long as the step that the command itself is, where it is one (`main`)
    (_lasting[-1].enter_context if _lasting else context.with_resource)(step_log.lines(log_format))
    if context.invoked_subcommand is None:
        here.tell()


_lasting: list[ExitStack] = []
"""What is closed when the step that a command is has ended."""

COMMANDS: dict[str, tuple[tuple[Callable[..., None], str], ...]] = {
    "Begin": (
        (workflow.demo, "cli demo"),
        (status.status, "cli status"),
        (workflow.doctor, "cli doctor"),
    ),
    "Train and predict": (
        (train.train, "cli train --promote"),
        (predict.predict, "cli predict --drug lapatinib --limit 5"),
        (suggest.suggest, "cli suggest --plate 96 --per-drug 4 --out plate.csv"),
    ),
    "Ask": (
        (cypher.query, "cli query top-genes drug=erlotinib"),
        (explain.explain, "cli explain --drug lapatinib --cell BT-474"),
        (compare.compare, "cli compare --by mutation:BRAF --drug dabrafenib"),
        (enrich.enrich, "cli enrich --drug lapatinib"),
        (report.report, "cli report --drug lapatinib"),
        (explorer.serve, "cli serve"),
        (assistant.mcp, "cli mcp"),
    ),
    "Judge": (
        (evaluate.evaluate, "cli evaluate --models default,additive --split unseen-drug"),
        (evaluate_targets.evaluate_targets, "cli evaluate-targets"),
        (evaluate_biomarkers.evaluate_biomarkers, "cli evaluate-biomarkers --truth known.csv"),
        (
            evaluate_certainty.evaluate_certainty,
            "cli evaluate-certainty --split unseen-drug --drugs 250 --cells 250",
        ),
        (report.faithfulness, "cli faithfulness"),
        (evaluate.tune, "cli tune --trials 20"),
        (evaluate.results, "cli results evaluation"),
        (evaluate.paper, "cli paper evaluation"),
    ),
    "Keep": (
        (keeping.check, "cli check"),
        (keeping.backup, "cli backup backup-of-today"),
        (keeping.restore, "cli restore backup-of-today --store ladybug://restored.lbug"),
    ),
    "Move": ((export.copy, "cli copy ladybug://pharmagraph.lbug bolt://localhost:7687"),),
}
"""Section of `cli --help` → its commands, each with an example."""

GROUPS = (
    (ingest.app, "ingest", "Begin"),
    (runs.app, "runs", "Train and predict"),
    (export.app, "export", "Move"),
    (db.app, "db", "Move"),
)
"""Groups of commands, their names and sections."""

add(app, COMMANDS)
runs.app.command(epilog="Example: cli runs calibration RUN")(calibration.calibration)
for group, name, section in GROUPS:
    app.add_typer(group, name=name, rich_help_panel=section)

TERMINATED = 143
LONGEST_ERROR = 4000
"""Characters of an error that are printed: a value of a foreign file may have millions."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
NO_PLACE = {
    *(errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTEMPTY),
}
TOO_MANY = {errno.EMFILE, errno.ENFILE}


def _asked_for(words: list[str]) -> typer.Typer:
    """The app with only the command that is asked for: to build the options of all takes as long as a query."""
    wanted = _command(words)
    commands = [c for c in app.registered_commands if c.callback and _name(c) == wanted]
    groups = [g for g in app.registered_groups if g.name == wanted]
    if not commands and not groups:
        return app
    one = copy(app)
    one.registered_commands, one.registered_groups = commands, groups
    return one


def _command(words: list[str]) -> str | None:
    """The command that is asked for, behind the options of all commands."""
    left = list(words)
    while left and left[0].startswith("--log-format"):
        del left[: 1 if "=" in left[0] else 2]
    return left[0] if left else None


def _step(words: list[str]) -> str:
    """The name of the step that a command is: of the words, only those that are names of commands."""
    one = _asked_for(words)
    command = _command(words)
    if one is app or command is None:
        return "cli"
    inner = {_name(c) for g in one.registered_groups for c in g.typer_instance.registered_commands}  # type: ignore[union-attr]
    second = next((w for w in words[words.index(command) + 1 :] if w in inner), "")
    return f"cli {command} {second}".rstrip()


def _name(command: CommandInfo) -> str:
    return command.name or str(command.callback.__name__).replace("_", "-")  # type: ignore[union-attr]


def _told(error: OSError) -> str | None:
    """The line of an error of the system that the user can mend; None of another."""
    if error.errno is None:
        return None
    place = shortened(error.filename, 200) if isinstance(error.filename, str) else "a file"
    why = os.strerror(error.errno)  # Arrow puts words of its own around it
    if error.errno in FULL:
        return f"cannot write {place}: {why}; free space or change folder"
    if error.errno in TOO_MANY:
        return f"cannot open {place}: {why}; raise the limit of open files: ulimit -n 1024"
    if error.errno in NO_PLACE:
        return f"cannot use {place}: {why}; give another place, or the right to use it"
    return None


def _require_words(words: list[str]) -> None:
    """Refuse an empty argument: as a path it would be the working folder."""
    for before, word in pairwise(words):
        if not word:
            behind = one_line(shortened(before)) if before != words[0] else "cli"
            print(
                f"error: the argument behind {behind} is empty, as a variable without a value is; give one",
                file=sys.stderr,
            )
            sys.exit(2)


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """Say nothing of a statement of the store that Ctrl-C met while it was made; anything else is printed."""
    if "ladybug" not in getattr(unraisable.object, "__module__", ""):
        sys.__unraisablehook__(unraisable)


def main() -> None:
    """Run a command; what is the user's to mend is one line and exit code 1, wrong usage 2, Ctrl-C 130, SIGTERM 143."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(TERMINATED)
    )  # stores are closed, temporary files removed
    for stream in (sys.stdout, sys.stderr):
        replace_signs(stream)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable
    _require_words(sys.argv)
    try:
        with ExitStack() as lasting, step_log.spans(), steps.step(_step(sys.argv[1:])):
            _lasting.append(lasting)
            lasting.callback(_lasting.remove, lasting)
            _asked_for(sys.argv[1:])()
    except PharmagraphError as error:
        print(f"error: {one_line(shortened(str(error), LONGEST_ERROR))}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if (told := _told(error)) is None:
            raise
        print(f"error: {one_line(told)}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as end:
        if end.code in {130, TERMINATED}:
            print("interrupted; the same command run again finishes the work", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
