"""Makes the tables of a screen from columns of a download: a row a pair, and what is said of drugs and cell lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pharmagraph.ingest.long_table import LongTable, Numbers, Row, Texts
from pharmagraph.ingest.names import DISTINCT, cell_line_id, drug_id
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Listed

_DIGITS = 6


def pairs(
    table: LongTable,
    rejections: Rejections,
    *,
    ln_ic50: Numbers | None = None,
    auc: Numbers | None = None,
    drug: Texts | None = None,
    cell_line: Texts | None = None,
) -> LongTable:
    """Responses with each pair once; measurements of one pair are averaged, as logarithms where they are.

    Parameters
    ----------
    table
        Rows of a file; its texts ``drug`` and ``cell_line`` are taken unless given.
    ln_ic50, auc
        ``(n,)``, in ln µmol/l, and as the file has it; rows without both are left out.

    Returns
    -------
    LongTable
        In the order of each pair's first row, with a note that counts pairs that were measured more than once.
    """
    nothing = np.full(len(table), np.nan)
    values = {"ln_ic50": nothing if ln_ic50 is None else ln_ic50, "auc": nothing if auc is None else auc}
    texts = {"drug": drug or table.texts["drug"], "cell_line": cell_line or table.texts["cell_line"]}
    whole = LongTable(table.file, table.lines, texts, values | {"response": nothing}, ("response",))
    whole = valid(whole, rejections)
    whole = whole.keep(~np.isnan(whole.numbers["ln_ic50"]) | ~np.isnan(whole.numbers["auc"]))
    _, of_drug = whole.texts["drug"].numbered(drug_id)
    lines, of_line = whole.texts["cell_line"].numbered(cell_line_id)
    _, first, pair = np.unique(of_drug * max(len(lines), 1) + of_line, return_index=True, return_inverse=True)
    order = np.argsort(first)
    means = {c: _means(whole.numbers[c], pair, len(first))[order] for c in ("ln_ic50", "auc")}
    mask = np.zeros(len(whole), bool)
    mask[first] = True
    once = whole.keep(mask)
    repeated = int((np.bincount(pair, minlength=1) > 1).sum())
    notes = (f"pairs that were measured more than once, and are averaged: {repeated:,}",) if repeated else ()
    return LongTable(
        once.file,
        once.lines,
        {c: used(t) for c, t in once.texts.items()},
        {**once.numbers, **means},
        once.integers,
        (*table.notes, *notes),
    )


def used(texts: Texts) -> Texts:
    """The texts without names that no row has, so that a drug or a line that was left out is no node."""
    codes, of_row = np.unique(texts.codes, return_inverse=True)
    return Texts(tuple(texts.names[code] for code in codes), of_row)


def _means(values: Numbers, group: Any, n: int) -> Numbers:
    """Mean of the values of each group that are there; NaN for none. A value alone keeps all of its digits."""
    there = ~np.isnan(values)
    count = np.bincount(group[there], minlength=n)
    total = np.bincount(group[there], weights=values[there], minlength=n)
    mean = np.divide(total, count, out=np.full(n, np.nan), where=count > 0)
    return np.where(count > 1, np.round(mean, _DIGITS), mean)


def valid(table: LongTable, rejections: Rejections) -> LongTable:
    """Responses with a label of 0 or 1 and an area that is one."""
    response, auc = table.numbers["response"], table.numbers["auc"]
    wrong = [
        (at, "response", f"{response[at]:g}", "is not 0, 1 or empty")
        for at in np.flatnonzero((response != 0) & (response != 1) & ~np.isnan(response))
    ]
    wrong += [(at, "auc", f"{auc[at]:g}", "is below 0; an area cannot be") for at in np.flatnonzero(auc < 0)]
    mask = np.ones(len(table), bool)
    for at, column, text, reason in sorted(wrong):
        rejections.bad("TESTED_ON", table.file, int(table.lines[at]), column, text, reason)
        mask[at] = False
    return table.keep(mask)


def logarithms(
    table: LongTable, column: str, called: str, rejections: Rejections
) -> tuple[LongTable, Numbers]:
    """The natural logarithms of concentrations in µmol/l, and the table without rows whose value is none.

    Raises
    ------
    RowError
        At the first concentration that is not above 0, unless rows are being rejected.
    """
    values = table.numbers[column]
    wrong = values <= 0
    for at in np.flatnonzero(wrong):
        rejections.bad(
            "TESTED_ON",
            table.file,
            int(table.lines[at]),
            called,
            f"{values[at]:g}",
            "is not above 0; a concentration is",
        )
    kept = table.keep(~wrong)
    return kept, np.log(kept.numbers[column])


def listed(
    table: LongTable,
    kind: str,
    properties: Sequence[str],
    names: Texts | None = None,
    change: Callable[[str, Any], Any] = lambda column, value: value,
) -> Listed:
    """What the rows of a table say of its drugs or cell lines: for each the first value that is there.

    Parameters
    ----------
    kind
        ``drug`` or ``cell_line``.
    properties
        Columns that are taken.
    names
        The name in each row; by default the column ``kind``.
    change
        Column and value → the value that is stored.
    """
    of_row = names or table.texts[kind]
    rows: list[dict[str, Any]] = [{kind: name} for name in of_row.names]
    _, first = np.unique(of_row.codes, return_index=True)
    for column in properties:
        if column in table.texts:
            texts = table.texts[column]
            there = np.flatnonzero(texts.codes >= 0)
            cells: Any = texts.cells()
        else:
            there = np.flatnonzero(~np.isnan(table.numbers[column]))
            cells = table.numbers[column]
        codes, earliest = np.unique(of_row.codes[there], return_index=True)
        for code, at in zip(codes.tolist(), there[earliest].tolist(), strict=True):
            value = cells[at]
            rows[code][column] = change(column, int(value) if column in table.integers else value)
    lines = dict(zip(of_row.codes[first].tolist(), table.lines[first].tolist(), strict=True))
    return Listed(
        table.file,
        tuple(
            Row(lines[n], {c: row.get(c) for c in (kind, *properties)})
            for n, row in enumerate(rows)
            if n in lines
        ),
    )


def line_name(ccle_name: str) -> str:
    """The name of a cell line without the tissue that CCLE writes behind it, unless the two tell lines apart."""
    return ccle_name if ccle_name.upper() in DISTINCT["cell_line"] else ccle_name.split("_", 1)[0]


def tissue_of(ccle_name: str) -> str | None:
    """The tissue behind a name of CCLE, in small letters."""
    return ccle_name.partition("_")[2].lower() or None
