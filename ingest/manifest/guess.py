"""Guesses what the files of a folder hold, and says of each guess what it was guessed from. It writes nothing.

What nothing tells stays open: a person fills it in, and a load refuses it until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pharmagraph.ingest.column_words import WORDS, folded, stands_for
from pharmagraph.ingest.manifest.draft import Guess, Guesses, Line, cells_of, name_of, scale_of, unit_of_ic50
from pharmagraph.ingest.manifest.entries import COLUMNS, NAME, PARTS
from pharmagraph.ingest.manifest.guess_wide import numbers_of, wide_table
from pharmagraph.ingest.shapes.calls import are_calls
from pharmagraph.ingest.shapes.recognise import DOWNLOADS, head_of, tables_of
from pharmagraph.ingest.shapes.shape import CELLS, DRUGS, EXPRESSION, MUTATIONS, RESPONSES, Head
from pharmagraph.ingest.shapes.sides import NAMING
from pharmagraph.ingest.shapes.wide import MEASURES
from pharmagraph.ingest.units import columns as units
from pharmagraph.kg.errors import InputError, some


def guessed(folder: Path) -> Guesses:
    """Look at the files of a folder.

    Raises
    ------
    InputError
        If no file of it may be part of a screen.
    """
    heads: list[Head] = []
    others: list[str] = []
    for path in tables_of(folder):
        if path.name == NAME:
            continue
        try:
            heads.append(head_of(path))
        except InputError as error:
            others.append(str(error))
    found = [(head, guess) for head in heads if (guess := _public(head, folder) or _long(head, folder))]
    taken = {id(head) for head, _ in found}
    wide = [head for head in heads if id(head) not in taken and numbers_of(head) is not None]
    named = [(guess.path, guess.naming) for _, guess in found if guess.naming] + [
        (head.path, {}) for head in wide
    ]
    guesses = [guess for _, guess in found]
    for head in heads:
        if id(head) not in taken:
            guess = wide_table(head, folder, named) if head in wide else None
            if guess is None:
                title = f"; {head.header.title}" if head.header.title else ""
                others.append(
                    f"{name_of(head.path, folder)}: nothing tells what its columns hold ({_has(head)}){title}"
                )
            else:
                guesses.append(guess)
    kept: dict[str, Guess] = {}
    for guess in guesses:
        if not guess.part:
            continue
        first = kept.setdefault(guess.part, guess)
        if first is not guess:
            others.append(
                f"{name_of(guess.path, folder)}: may be {guess.part}, too, as {name_of(first.path, folder)}; to read "
                "it instead, write it for file:"
            )
    if not kept:
        why = f"; {others[0]}" if others else ""
        raise InputError(f"{folder} has no file that may be part of a screen{why}")
    return Guesses(tuple(kept[part] for part in PARTS.values() if part in kept), tuple(others))


def _has(head: Head) -> str:
    return some([n or "(no name)" for n in head.header.names])


def _public(head: Head, folder: Path) -> Guess | None:
    """A download, which needs no more than its name; a part without a name for a table that another is read with."""
    shape = next((shape for shape in DOWNLOADS if shape.fits(head)), None)
    if shape is None or shape.instead:
        return None
    return Guess(
        shape.gives, head.path, (Line("file", name_of(head.path, folder), f"{shape.name}, by its columns"),)
    )


def _long(head: Head, folder: Path) -> Guess | None:
    """A table with a row a fact."""
    names = head.header.names
    found = {c: named for c in _FOUND_BY if (named := [n for n in names if n and _FOUND_BY[c](n)])}
    part = _part(found)
    if not part:
        return None
    calls = part == EXPRESSION and are_calls(head)
    part = MUTATIONS if calls else part
    chosen: dict[str, str] = {}
    lines: list[Line] = []
    for column in COLUMNS[part]:
        left = [n for n in found.get(column, ()) if n not in chosen.values()]
        if not left:
            continue
        exact = [n for n in left if folded(n) == column or (column == "ic50" and folded(n) == "ln_ic50")]
        chosen[column] = (exact or left)[0]
        more = f"; also {some(left[1:])}" if len(left) > 1 and not exact else ""
        lines.append(Line(column, chosen[column], f"by its name{more}"))
    body = [
        Line(
            "file",
            name_of(head.path, folder),
            f"has columns for {' and '.join(map(_said, _TOLD[part](found)))}"
            + (", and no values but 0 and 1" if calls else ""),
        ),
        Line("columns", tuple(lines)),
    ]
    if "ic50" in chosen and part == RESPONSES:
        body += unit_of_ic50(chosen["ic50"], cells_of(head, chosen["ic50"]))
    if part == EXPRESSION:
        body += scale_of(chosen["value"], cells_of(head, chosen["value"]))
    naming: dict[str, str] = {c: chosen[c] for c in NAMING if c in chosen}
    return Guess(part, head.path, tuple(body), naming)


_FOUND_BY: dict[str, Callable[[str], bool]] = {
    **{column: (lambda name, column=column: stands_for(column, name)) for column in WORDS},  # type: ignore[misc]
    **{
        column: (lambda name, column=column: folded(name) == column)  # type: ignore[misc]
        for columns in COLUMNS.values()
        for column in columns
        if column not in WORDS
    },
    "ic50": lambda name: units.ic50(name) is not None,
    "auc": lambda name: units.auc(name) is not None,
    "value": lambda name: units.expression(name) is not None,
}
"""Column that a manifest may name → whether a name may be one."""

_OF_DRUGS = ("smiles", "pubchem_cid", "mechanism", "max_phase")
_OF_LINES = ("tissue", "cosmic_id", "cellosaurus_id", "depmap_id")

_TOLD: dict[str, Callable[[Mapping[str, Sequence[str]]], list[str]]] = {
    RESPONSES: lambda found: ["drug", "cell_line", *[m for m in MEASURES if m in found]],
    EXPRESSION: lambda found: ["cell_line", "gene", "value"],
    MUTATIONS: lambda found: ["cell_line", "gene"],
    DRUGS: lambda found: ["drug", *[c for c in _OF_DRUGS if c in found]],
    CELLS: lambda found: ["cell_line", *[c for c in _OF_LINES if c in found]],
}
"""Part → the columns that tell it."""


def _part(found: Mapping[str, Sequence[str]]) -> str:
    has = found.keys()
    if {"drug", "cell_line"} <= has:
        return RESPONSES if has & set(MEASURES) else ""
    if {"cell_line", "gene"} <= has:
        return EXPRESSION if "value" in has else MUTATIONS
    if "drug" in has:
        return DRUGS if has & set(_OF_DRUGS) else ""
    return (
        CELLS
        if "cell_line" in has and has & set(_OF_LINES) and len({*map(tuple, found.values())}) > 1
        else ""
    )


def _said(column: str) -> str:
    return column.replace("_", " ")
