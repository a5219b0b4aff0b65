"""Assembles the commands of the packages; holds no logic. Entry points: `cli` and `pharmagraph`."""

# An import may open a file and keep it open, so descriptors 0 to 2 are filled before the other imports:
# ruff: noqa: E402

from __future__ import annotations

from kg.descriptors import fill_standard

fill_standard()

import errno
import signal
import sys

import typer

import cypher.commands
import ingest.commands
import kg.commands
import kg.db_commands
import kg.export_commands
import kg.run_commands
import model.biology_commands
import model.commands
import model.evaluation_commands
import model.explanation_commands
import model.report_commands
import model.targets.commands
import workflow.commands
from kg.errors import PharmagraphError

app = typer.Typer(
    name="cli",
    help="A drug-response knowledge graph whose attention you can query.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(workflow.commands.demo)
app.add_typer(ingest.commands.app, name="ingest")
app.command()(kg.commands.status)
app.command()(model.commands.train)
app.command()(model.evaluation_commands.evaluate)
app.command()(model.evaluation_commands.results)
app.command()(model.evaluation_commands.paper)
app.command()(model.evaluation_commands.tune)
app.command()(model.targets.commands.evaluate_targets)
app.command()(model.commands.predict)
app.command()(model.explanation_commands.explain)
app.command()(model.report_commands.report)
app.command()(model.report_commands.faithfulness)
app.command()(cypher.commands.query)
app.command()(model.biology_commands.enrich)
app.add_typer(kg.run_commands.app, name="runs")
app.add_typer(kg.export_commands.app, name="export")
app.command()(kg.export_commands.copy)
app.add_typer(kg.db_commands.app, name="db")
app.command()(workflow.commands.doctor)

TERMINATED = 143
CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}


def main() -> None:
    """Run a command; what is the user's to mend is one line and exit code 1, wrong usage 2, Ctrl-C 130, SIGTERM 143."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(TERMINATED)
    )  # stores are closed, temporary files removed
    try:
        app()
    except PharmagraphError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        place = error.filename or "to the disk"
        print(f"error: cannot write {place}: {error.strerror}; free space or change folder", file=sys.stderr)
        sys.exit(1)
    except SystemExit as end:
        if end.code in {130, TERMINATED}:
            print("interrupted; the same command run again finishes the work", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
