"""Writes predictions that a run was asked for later into the store, as edges PREDICTED like those it was trained with.

They carry the run's id and go with it (`kg.runs.delete`); a pair that has one already gets the new one in its place.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import run_register, schema
from pharmagraph.kg.changes import Change, total
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import GraphStore

ENDS = ("Drug", "CellLine")


def write(store: GraphStore, run_id: str, tables: Iterable[pa.Table]) -> Change:
    """Write predictions, a table after the other.

    Parameters
    ----------
    store
        Open for writing.
    run_id
        Of a run in the register.
    tables
        ``src`` and ``dst`` (ids), ``probability`` or ``ln_ic50``, and what else PREDICTED has.

    Raises
    ------
    NotFoundError
        If there is no such run.
    InputError
        If an end is not in the store, the store is read-only, or an interval has no level or is upside down.
    """
    run = str(run_register.find(store, run_id)["id"])
    known = {column.name: schema.ARROW[column.type] for column in schema.edge("PREDICTED").columns}
    changes = []
    for table in tables:
        if (wrong := wrong_intervals(table)) and any(pc.any(mask).as_py() for mask in wrong.values()):
            raise InputError(f"predictions cannot be written: {', '.join(wrong)}")
        columns = {name: table[name].cast(known[name]) for name in table.column_names if name in known}
        columns |= {end: table[end].cast(pa.string()) for end in ("src", "dst")}
        columns["run_id"] = pa.array([run] * table.num_rows, pa.string())
        changes.append(store.upsert_edges("PREDICTED", ENDS, pa.table(columns)))
    return total(changes)


def wrong_intervals(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """What may be wrong with the intervals of PREDICTED edges → which edges it is of, bool (n,)."""
    if not {"low", "high", "level"} <= set(table.column_names):
        return {}
    low, high, level = table["low"], table["high"], table["level"]
    return {
        "low is above high": pc.greater(low, high).fill_null(False),
        "an interval without level, or with one end": pc.or_(
            pc.xor(pc.is_valid(low), pc.is_valid(high)), pc.and_(pc.is_valid(low), pc.is_null(level))
        ),
    }
