"""Says what a load of tables would do: what is read as what, and each reason for which rows are left out. It writes
nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pharmagraph.ingest.manifest.entries import manifest_of
from pharmagraph.ingest.rejections import ColumnsRead, Rejected, Rejections
from pharmagraph.ingest.shapes.bounds import sides
from pharmagraph.ingest.sources.checked_screen import CheckedScreen, checked_screen
from pharmagraph.ingest.sources.tables import rule_of, tested_on
from pharmagraph.ingest.threshold import unlabelled_note
from pharmagraph.ingest.units.given import NOTHING_SAID, Given
from pharmagraph.kg.errors import RowError, shortened

COLUMNS = ("what", "file", "name", "number", "detail")
"""Of a check's rows."""

_UNUSED = 50
"""Columns of a file that are not read of which each has a row."""

_NUMBERS = re.compile(r"[\d.,]+")


@dataclass(frozen=True)
class Check:
    """What a load would do.

    Attributes
    ----------
    screen
        The good rows.
    columns
        What is read of each file.
    rejected
        Places that would not be loaded.
    n_bad
        Those of them at which a load stops unless rows are being rejected.
    rule
        By which ln IC50 is labelled.
    labels
        Sensitive, resistant and no label → number of pairs.
    unlabelled
        Sentences that name drugs that the rule cannot label.
    """

    screen: CheckedScreen
    columns: tuple[ColumnsRead, ...]
    rejected: tuple[Rejected, ...]
    n_bad: int
    rule: str
    labels: Mapping[str, int]
    unlabelled: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """What would be loaded, each column, and each reason why rows are not loaded; with the columns `COLUMNS`."""
        screen = self.screen
        sizes = {
            "drugs": len(screen.drug_ids),
            "cell lines": len(screen.cell_ids),
            "pairs": len(screen.responses),
            "genes": len(screen.expression.genes) if screen.expression is not None else 0,
        }
        if n_bounds := int((sides(screen.responses) != 0).sum()):
            sizes["pairs of which a bound is known"] = n_bounds
        if screen.mutated is not None:
            sizes["mutated genes of cell lines"] = len(screen.mutated)
        for kind, levels in screen.layers.items():
            sizes[f"values of {kind.replace('_', ' ')}"] = int((~np.isnan(levels.values)).sum())
        return [
            *(_row("loaded", "", name, n) for name, n in sizes.items()),
            *(_row("label", "", name, n, f"by {self.rule}") for name, n in self.labels.items()),
            *(row for file in self.columns for row in (*_columns(file), *_others(file))),
            *_reasons(self.rejected),
        ]


def check_screen(
    place: Path,
    *,
    threshold: str | None = None,
    without_smiles: bool,
    units: Given = NOTHING_SAID,
    human: bool = False,
    told: Callable[[RowError], None] = lambda error: None,
) -> Check:
    """Read and check the tables of a screen.

    Parameters
    ----------
    place
        A table of responses, or a folder with one and more.
    threshold
        Rule by which ln IC50 is labelled; by default the manifest's, or the usual one.
    without_smiles
        Keep drugs that have no structure.
    units
        What the user says of units, by measure.
    human
        Gene symbols in small letters, as Brca1, are of human genes.
    told
        Called with each bad row when it is found.

    Raises
    ------
    InputError
        If no row can be read, as a load does.
    """
    n_bad = 0

    def counted(error: RowError) -> None:
        nonlocal n_bad
        n_bad += 1
        told(error)

    rule = rule_of(manifest_of(place), threshold)
    rejections = Rejections(keep_going=True, told=counted)
    screen = checked_screen(place, rejections, without_smiles=without_smiles, units=units, human=human)
    several = screen.responses.texts.get("dataset")
    tested = tested_on(screen.responses, rule, several.names if several else [""])
    response = tested["response"]
    labels = {
        "sensitive": pc.sum(pc.equal(response, 1)).as_py() or 0,
        "resistant": pc.sum(pc.equal(response, 0)).as_py() or 0,
        "no label": response.null_count,
    }
    return Check(
        screen, tuple(rejections.columns), tuple(rejections.rejected), n_bad, rule.text, labels,
        unlabelled_note(tested, screen.drug_names, rule),
    )  # fmt: skip


def _row(what: str, file: str, name: str, number: int | None = None, detail: str = "") -> dict[str, Any]:
    return {"what": what, "file": file, "name": name, "number": number, "detail": detail}


def _columns(table: ColumnsRead) -> Iterable[dict[str, Any]]:
    for name, read_as in table.used.items():
        yield _row("column", table.file, name, detail=f"read as {read_as}")
    for name in table.unused[:_UNUSED]:
        yield _row("column", table.file, name or "(no name)", detail="not read")


def _others(table: ColumnsRead) -> Iterable[dict[str, Any]]:
    """A row for the columns that are not read and not listed."""
    if (n := len(table.unused) - _UNUSED) > 0:
        yield _row("column", table.file, f"{n:,} more columns", detail="not read")


def _reasons(rejected: Iterable[Rejected]) -> Iterable[dict[str, Any]]:
    """A row for each file and reason, numbers in it aside, with the number of rows and the first of them."""
    first: dict[tuple[str, str], Rejected] = {}
    number: dict[tuple[str, str], int] = {}
    for one in rejected:
        key = one.file, _NUMBERS.sub("", one.reason)
        first.setdefault(key, one)
        number[key] = number.get(key, 0) + one.rows
    for key, one in first.items():
        place = f"; first in row {one.row}" if one.row is not None else ""
        value = f'"{shortened(one.value)}" ' if one.value else ""
        yield _row("left out", one.file, one.column or "", number[key], f"{value}{one.reason}{place}")
