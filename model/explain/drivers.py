"""Driver events of cell lines as the store holds them: mutated genes, fusions, recurrent gains and losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pharmagraph.kg.store import GraphStore

_EVENTS = """
MATCH (c:CellLine)-[m:MUTATED|COPY_NUMBER]->(g:Gene)
WHERE m.driver = true AND c.id IN $cell_lines
RETURN c.id AS cell_line, g.id AS gene, m.value AS value, m.event AS event,
       EXISTS { MATCH (:Drug {id: $drug})-[:TARGETS]->(g) } AS target
"""
_INSTABLE = "MATCH (c:CellLine) WHERE c.id IN $cell_lines AND c.msi = true RETURN c.id AS cell_line"

_SIGNS = {"gain": "+", "loss": "−"}
_ORDER = ("microsatellite instability", "mutation", "gain", "loss")


def driver_events(store: GraphStore, cell_lines: Sequence[str], drug: str) -> dict[str, list[dict[str, Any]]]:
    """The driver events of cell lines.

    Parameters
    ----------
    store
        Holds the cell lines.
    cell_lines
        Ids.
    drug
        Id; its known targets come first.

    Returns
    -------
    dict
        Cell line → rows of ``gene``, ``kind`` (``mutation``, ``gain``, ``loss`` or ``microsatellite instability``,
        which is of no gene), ``event`` (the source's name) and ``target`` (whether the gene is a known target of the
        drug).
    """
    found: dict[str, list[dict[str, Any]]] = {c: [] for c in cell_lines}
    if not found:
        return found
    given = {"cell_lines": list(found)}
    for row in store.query(_EVENTS, given | {"drug": drug}).to_pylist():
        found[row["cell_line"]].append(
            {"gene": row["gene"], "kind": _kind(row), "event": row["event"], "target": row["target"]}
        )
    for row in store.query(_INSTABLE, given).to_pylist():
        found[row["cell_line"]].append({"gene": None, "kind": _ORDER[0], "event": "MSI", "target": False})
    for rows in found.values():
        rows.sort(key=lambda r: (not r["target"], _ORDER.index(r["kind"]), r["gene"] or ""))
    return found


def in_one_line(events: Sequence[dict[str, Any]], limit: int = 8) -> str:
    """The genes of some events; ``+`` stands before a gain, ``−`` before a loss."""
    shown = [_SIGNS.get(e["kind"], "") + (e["gene"] or e["event"]) for e in events[:limit]]
    return ", ".join(shown) + (f", … ({len(events)} in all)" if len(events) > limit else "")


def _kind(row: dict[str, Any]) -> str:
    if row["value"] < 0:
        return "loss"
    return "gain" if (row["event"] or "").startswith("gain") else "mutation"
