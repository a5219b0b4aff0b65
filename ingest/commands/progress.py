"""Runs what a `cli ingest` command loads, with a bar of progress, and prints what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pharmagraph.kg.console import Format

if TYPE_CHECKING:
    from pharmagraph.ingest.load import Report
    from pharmagraph.ingest.read_and_load import Advance


def run(
    load: Callable[[Advance], Report], reject_rows: bool, quiet: bool, format: Format, next_command: str
) -> None:
    """Load with a bar of progress, print."""
    import time

    started = time.perf_counter()
    from pharmagraph.ingest.rejections import require_place, write
    from pharmagraph.ingest.report import print_report
    from pharmagraph.kg.console import progress
    from pharmagraph.kg.errors import InputError, NothingLeftError

    if reject_rows:
        require_place()
    with progress(quiet or format is not Format.table) as bar:
        task = bar.add_task("reading", total=None, note="")
        begun: float | None = None

        def advance(what: str, done: int, total: int) -> None:
            nonlocal begun
            begun = begun or time.perf_counter()
            rate = done / max(time.perf_counter() - begun, 1e-9)
            note = f"{rate:,.0f} rows/s" if done else ""
            bar.update(task, description=what, completed=done, total=total, note=note)

        try:
            report = load(advance)
        except NothingLeftError as error:
            if not reject_rows:
                raise
            path = write(error.rejected, error.name)
            raise InputError(
                f"{error} Nothing was written to the store. {path} has every rejected row with its reason"
            ) from None
    rejected = report.bundle.rejected
    print_report(
        report,
        format,
        seconds=time.perf_counter() - started,
        rejected_file=write(rejected, report.bundle.name) if reject_rows and rejected else None,
        next_command=next_command,
    )
