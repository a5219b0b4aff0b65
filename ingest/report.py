"""Prints what a load did: the outcome first, then what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pharmagraph.ingest.load import COLUMNS, Report
from pharmagraph.ingest.rejections import Rejected, count
from pharmagraph.ingest.releases import Step
from pharmagraph.kg.console import Format, note, print_rows
from pharmagraph.kg.errors import shortened
from pharmagraph.kg.schema import NODES
from pharmagraph.kg.terminal import one_line

_WIDTH = 16
_MOST = 3
"""Rows that a reason names, and reasons that a kind of nodes names: odd values of annotations are few."""
_NODES = {kind.label for kind in NODES}
_LEFT = {"keep": "kept", "mark": "marked"}


def print_report(
    report: Report, format: Format, *, seconds: float, rejected_file: Path | None, next_command: str
) -> None:
    """Print the outcome.

    Parameters
    ----------
    report
        The report of the load.
    format
        ``table`` prints text; the others print one row per kind, and notes on standard error.
    seconds
        Wall time, reading included.
    rejected_file
        File of the rejected rows.
    next_command
        The command that the user is advised to run next.
    """
    if format is not Format.table:
        print_rows(report.rows(), format, columns=COLUMNS)
        for sentence in report.bundle.notes:
            note(sentence)
        return
    nodes = [s for s in report.steps if s.ends is None]
    sizes = ", ".join(f"{s.change.total:,} {_plural(s.kind)}" for s in nodes if s.change.total)
    title = f"{report.bundle.name}: {sizes}" if sizes else report.bundle.name
    _say(f"{title:<68}{seconds:>7.1f} s")
    unchanged = not report.changed
    for step in nodes:
        if step.changed:
            _say(_line(report, step, None))
    shown: set[str] = set()
    for step in (s for s in report.steps if s.ends is not None):
        _say(_line(report, step, None if step.kind in shown else rejected_file))
        shown.add(step.kind)
    kinds = {s.kind for s in report.steps}
    for kind in sorted(
        {r.kind for r in report.bundle.rejected} - {s.kind for s in report.steps if s.ends is not None}
    ):
        reasons = _reasons(report, kind, rejected_file)
        _say(
            f"  {kind:<{_WIDTH}}{reasons}" if kind in kinds else f"  {kind:<{_WIDTH}}none loaded · {reasons}"
        )
    for sentence in report.bundle.notes:
        _say(f"  {sentence}")
    if unchanged:
        _say("Nothing to change: the store already holds all of it.")
    _say(f"Next: {next_command}")


def _say(line: str) -> None:
    """Print a line; names from files do not steer the terminal."""
    print(one_line(line))


def _line(report: Report, step: Step, rejected_file: Path | None) -> str:
    change = step.change
    parts = [f"{change.inserted:,} inserted", f"{change.updated:,} updated"]
    if change.unchanged:
        parts.append(f"{change.unchanged:,} unchanged")
    examples = f" ({', '.join(step.examples)}{', …' if step.lost > len(step.examples) else ''})"
    if step.removed:
        parts.append(f"{step.removed:,} removed" + examples * bool(step.examples))
    if step.gone:
        parts.append(f"{step.gone:,} gone from the source and {_LEFT[step.fate]}" + examples)
    ends = f" ({step.ends[0]})" if step.ends and step.kind == "SIMILAR_TO" else ""
    reasons = _reasons(report, step.kind, rejected_file) if step.ends is not None and not ends else ""
    return (
        f"  {step.kind + ends:<{max(_WIDTH, 24)}}" + " · ".join(parts) + (f" · {reasons}" if reasons else "")
    )


def _reasons(report: Report, kind: str, rejected_file: Path | None) -> str:
    reasons = count(report.bundle.rejected, kind)
    if not reasons:
        return ""
    rejected = [one for one in report.bundle.rejected if one.kind == kind]
    n_shown = _MOST if kind in _NODES else 1
    shown = [_placed(reason, rejected) for reason, _ in reasons.most_common(n_shown)]
    more = len(reasons) - len(shown)
    shown += [f"{more} other {'reason' if more == 1 else 'reasons'}"] if more else []
    text = f"{reasons.total():,} rejected ({', and '.join(shown)})"
    return text + (f" → {rejected_file}" if rejected_file else "")


def _placed(reason: str, rejected: Sequence[Rejected]) -> str:
    """A reason behind the file and the rows with the values that it is about, as far as these are known."""
    of_reason = [one for one in rejected if one.reason == reason and one.row is not None]
    if not of_reason:
        return reason
    file = of_reason[0].file
    there = [one for one in of_reason if one.file == file]
    places = [
        f'row {one.row:,}, "{shortened(one.value)}"' if one.value else f"row {one.row:,}" for one in there
    ]
    listed = ", ".join(places[:_MOST]) + (", …" if len(places) > _MOST else "")
    return f"{file}, {listed}: {reason}"


def _plural(label: str) -> str:
    return {
        "Drug": "drugs",
        "Gene": "genes",
        "CellLine": "cell lines",
        "Pathway": "pathways",
        "OmicsProfile": "profiles",
        "GenePanel": "gene panels",
    }.get(label, label)
