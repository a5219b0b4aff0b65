"""Guesses what a wide table holds, from its name, the names on its sides and its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pharmagraph.ingest.column_words import stands_for
from pharmagraph.ingest.manifest.draft import Guess, Line, name_of, range_of, scale_of, unit_of_ic50
from pharmagraph.ingest.manifest.entries import OPEN, SIDES
from pharmagraph.ingest.names import drug_id, is_gene_symbol
from pharmagraph.ingest.shapes.calls import are_calls
from pharmagraph.ingest.shapes.shape import COPY_NUMBER, DEPENDENCY, EXPRESSION, MUTATIONS, RESPONSES, Head
from pharmagraph.ingest.shapes.sides import known_beside, side_of
from pharmagraph.ingest.shapes.wide import MEASURES
from pharmagraph.ingest.units import columns as units
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import shown, stem

_EXPRESSION = ("expr", "rna", "tpm", "fpkm", "rpkm", "count", "transcript")
_RESPONSES = ("ic50", "auc", "respon", "viab", "sensitiv", "screen")
_MUTATIONS = ("mut",)
_COPY_NUMBER = ("copy", "cnv", "_cn")
_DEPENDENCY = ("crispr", "depend", "chronos", "gene_effect")
_MOST_TEXTS = 0.4
"""Share of the columns of a wide table that may hold texts, such as tissues."""


def number_or_bound(text: str) -> float | None:
    """The number that a text is, or that it says a bound of."""
    number = numbers.finite_number(text)
    split = numbers.bound(text) if number is None else None
    return split[0] if split else number


def numbers_of(head: Head) -> list[int] | None:
    """Where a wide table has numbers; None of another table."""
    names = head.header.names
    if len(names) < 3 or not head.rows or not all(row[0] for row in head.rows):
        return None
    if all(numbers.finite_number(row[0]) is not None and not row[0].isdecimal() for row in head.rows):
        return None
    numeric = [
        at
        for at in range(1, len(names))
        if all(
            row[at].lower() in numbers.NO_VALUE or number_or_bound(row[at]) is not None for row in head.rows
        )
    ]
    return numeric if len(numeric) >= 2 and len(numeric) >= (1 - _MOST_TEXTS) * (len(names) - 1) else None


def wide_table(head: Head, folder: Path, named: Sequence[tuple[Path, Mapping[str, str]]]) -> Guess | None:
    """A table with names down the side and along the top."""
    numeric = numbers_of(head)
    if numeric is None:
        return None
    names = head.header.names
    with records(head.path) as table:
        batch = next(table.batches(range(len(names))), None)
    rows = batch.rows if batch is not None else []
    side, top = [row[0] for row in rows], [names[at] for at in numeric]
    values = [v for row in head.rows for at in numeric if (v := number_or_bound(row[at])) is not None]
    part, why = _part_of_wide(head, side, top, values, known_drugs=known_beside(named, head.path).drugs)
    if not part or not values:
        return None
    body = [
        Line("file", name_of(head.path, folder), why),
        Line("layout", "wide", "numbers where names down the side and along the top meet"),
    ]
    kinds: tuple[str, str] = ("drug", "cell_line") if part == RESPONSES else ("gene", "cell_line")
    try:
        lies, because = side_of(
            (side, top), names[0], kinds, known_beside(named, head.path), shown(head.path)
        )
        body.append(Line("rows", lies, because))
    except InputError:
        body.append(Line("rows", OPEN, f"{' or '.join(SIDES[part])}: nothing tells"))
    if part == RESPONSES:
        body += _values(head, values)
    elif part == EXPRESSION:
        body += scale_of("", values)
    if texts := [names[at] for at in range(1, len(names)) if at not in numeric]:
        body.append(Line("skip", tuple(texts), "hold texts"))
    return Guess(part, head.path, tuple(body))


def _part_of_wide(
    head: Head, side: Sequence[str], top: Sequence[str], values: Sequence[float], *, known_drugs: set[str]
) -> tuple[str, str]:
    """The part that a wide table may be, and what tells it."""
    file, corner = stem(head.path).casefold(), head.header.names[0]
    if stands_for("drug", corner) or units.ic50(corner) is not None or units.auc(corner) is not None:
        return RESPONSES, f'its first column is called "{corner}"'
    if any(drug_id(name) in known_drugs for name in (*side, *top)):
        return RESPONSES, "it has names of drugs that another file has, too"
    calls = are_calls(head)
    for part, words in (
        (COPY_NUMBER, _COPY_NUMBER),
        (DEPENDENCY, _DEPENDENCY),
        (MUTATIONS, _MUTATIONS),
        (EXPRESSION, _EXPRESSION),
        (RESPONSES, _RESPONSES),
    ):
        word = next((w for w in words if w in file), "")
        if word and (part != MUTATIONS or calls) and (part != EXPRESSION or not calls):
            return part, f'by "{word}" in its name'
    if stands_for("gene", corner):
        return (
            (MUTATIONS, "genes, 0 and 1") if calls else (EXPRESSION, f'its first column is called "{corner}"')
        )
    for names in (side, top):
        genes = [n for n in names if is_gene_symbol(n.split(" ")[0])]
        if len(names) > 100 and len(genes) > 0.9 * len(names) and np.ptp(values) > 0:
            return (
                MUTATIONS if calls else EXPRESSION
            ), f"{len(genes):,} of {len(names):,} names are like symbols of genes"
    return "", ""


def _values(head: Head, values: Sequence[float]) -> list[Line]:
    corner, file = head.header.names[0], stem(head.path)
    for measure, is_one in (("ic50", units.ic50), ("auc", units.auc)):
        for text, what in ((corner, "its first column"), (file, "the file")):
            if is_one(text) is not None:
                more = unit_of_ic50(text, values) if measure == "ic50" else []
                return [Line("values", measure, f'{what} is called "{text}"'), *more]
    if set(values) <= {0.0, 1.0}:
        return [Line("values", "response", "all values are 0 or 1")]
    reason = f"{' or '.join(MEASURES)}: nothing tells, {range_of(values)}"
    return [
        Line("values", OPEN, reason),
        Line(
            "units",
            (Line("ic50", OPEN, "if they are IC50s: nM, uM, M, ln_uM, log10_M, pIC50; or delete this"),),
        ),
    ]
