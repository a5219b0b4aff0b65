"""Assembles the commands of the packages; holds no logic. Entry points: `cli` and `pharmagraph`."""

# An import may open a file and keep it open, so descriptors 0 to 2 are filled before the other imports:
# ruff: noqa: E402

from __future__ import annotations

from pharmagraph.kg.descriptors import fill_standard

fill_standard()

import errno
import signal
import sys
from copy import copy

import typer
from typer.models import CommandInfo

from pharmagraph.cypher import commands as cypher
from pharmagraph.explorer import commands as explorer
from pharmagraph.ingest import commands as ingest
from pharmagraph.kg.commands import db, export, runs, status
from pharmagraph.kg.errors import PharmagraphError
from pharmagraph.kg.terminal import one_line, replace_signs
from pharmagraph.kg.wording import typed
from pharmagraph.model.commands import (
    compare,
    enrich,
    evaluate,
    evaluate_biomarkers,
    evaluate_certainty,
    evaluate_targets,
    explain,
    predict,
    report,
    train,
)
from pharmagraph.workflow import commands as workflow

app = typer.Typer(
    name="cli",
    help="A drug-response knowledge graph whose attention you can query.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich takes as long as all the rest of `cli --help`
    context_settings={"max_content_width": 120},
)


@app.callback()
def _messages(context: typer.Context) -> None:
    """Messages name arguments as commands have them."""
    context.with_resource(typed())


app.command()(workflow.demo)
app.add_typer(ingest.app, name="ingest")
app.command()(status.status)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(evaluate.results)
app.command()(evaluate.paper)
app.command()(evaluate.tune)
app.command()(evaluate_targets.evaluate_targets)
app.command()(evaluate_biomarkers.evaluate_biomarkers)
app.command()(evaluate_certainty.evaluate_certainty)
app.command()(predict.predict)
app.command()(explain.explain)
app.command()(report.report)
app.command()(report.faithfulness)
app.command()(cypher.query)
app.command()(explorer.serve)
app.command()(enrich.enrich)
app.command()(compare.compare)
app.add_typer(runs.app, name="runs")
app.add_typer(export.app, name="export")
app.command()(export.copy)
app.add_typer(db.app, name="db")
app.command()(workflow.doctor)

TERMINATED = 143
CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}
NO_PLACE = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}


def _asked_for(words: list[str]) -> typer.Typer:
    """The app with only the command that is asked for: to build the options of all takes as long as a query."""
    wanted = words[0] if words else None
    commands = [c for c in app.registered_commands if c.callback and _name(c) == wanted]
    groups = [g for g in app.registered_groups if g.name == wanted]
    if not commands and not groups:
        return app
    one = copy(app)
    one.registered_commands, one.registered_groups = commands, groups
    return one


def _name(command: CommandInfo) -> str:
    return command.name or str(command.callback.__name__).replace("_", "-")  # type: ignore[union-attr]


def main() -> None:
    """Run a command; what is the user's to mend is one line and exit code 1, wrong usage 2, Ctrl-C 130, SIGTERM 143."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(TERMINATED)
    )  # stores are closed, temporary files removed
    for stream in (sys.stdout, sys.stderr):
        replace_signs(stream)
    try:
        _asked_for(sys.argv[1:])()
    except PharmagraphError as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in CANNOT_WRITE | NO_PLACE:
            raise
        place = error.filename or "to the disk"
        way = "give another place" if error.errno in NO_PLACE else "free space or change folder"
        print(f"error: cannot write {place}: {error.strerror}; {way}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as end:
        if end.code in {130, TERMINATED}:
            print("interrupted; the same command run again finishes the work", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
