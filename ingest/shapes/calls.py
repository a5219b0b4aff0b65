"""Tells tables of calls, whose values are all 0 or 1, from expression: nobody measures it as that."""

from __future__ import annotations

from pharmagraph.ingest.shapes.shape import MUTATIONS, Head
from pharmagraph.ingest.units import columns
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import located, shown

_CALLS = {0.0, 1.0}


def are_calls(head: Head) -> bool:
    """Whether all values of a file are 0 or 1, and one is 1; it is read to the end only while they are."""
    at = _of_values(head)
    if not _only_calls([row[i] for row in head.rows for i in at]):
        return False
    one = False
    with records(head.path) as table:
        for batch in table.batches(range(len(head.header.names))):
            texts = [row[i] for row in batch.rows for i in at]
            if not _only_calls(texts):
                return False
            one = one or any(numbers.finite_number(text) == 1 for text in set(texts))
    return one


def no_expression(head: Head) -> InputError:
    """The error that a table of calls is not taken for expression, with the line of a manifest that says what it is."""
    sheet = located(head.path)[1] is not None
    name = f"{head.path.parent.name}/{head.path.name}" if sheet else head.path.name
    how = "layout: wide"
    if _is_long(head):
        value = head.header.names[_of_values(head)[0]]
        how = f"columns: {{cell_line: cell_line, gene: gene, value: {value}}}"
    return InputError(
        f"{shown(head.path)} has no values but 0 and 1, which are calls of mutations and no expression; if they are, "
        f"write in manifest.yaml {MUTATIONS}: {{file: {name}, {how}}} (cli ingest tables FOLDER --init writes the "
        f"manifest), or load it behind its screen: cli ingest omics {head.path} --kind mutation"
    )


def _is_long(head: Head) -> bool:
    return head.header.has("cell_line") and head.header.has("gene")


def _of_values(head: Head) -> list[int]:
    """Where a table has its values: a column of a table in long form, unless its name says a scale; all but the first
    of a wide one.
    """
    names = head.header.names
    if _is_long(head):
        return [at for at, name in enumerate(names) if columns.expression(name) == ""]
    return list(range(1, len(names)))


def _only_calls(texts: list[str]) -> bool:
    there = [text for text in set(texts) if text.lower() not in numbers.NO_VALUE]
    return bool(there) and all(numbers.finite_number(text) in _CALLS for text in there)
