"""Gives the drugs of a screen the ids that the store has them under, found by structure or by a code.

Two drugs are one if their parents are (`kg.parents`), or else if they share a PubChem number, a Broad id or a ChEMBL id
and no structure speaks against it. The screen's name becomes an alias. What clashes is named, and stays two.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.kg.errors import shortened
from pharmagraph.kg.names import PARENT, without_batch
from pharmagraph.kg.store import GraphStore

_CODE = re.compile(r"BRD-[A-Z]\d{8}(?:-\d{3}-\d{2}-\d)?|CHEMBL\d+", re.IGNORECASE)
_CID = re.compile(r"(?:PUBCHEM\W*)?CID\W*(\d+)", re.IGNORECASE)
_STRUCTURE = ("smiles", "inchikey", PARENT)
_COLUMNS = ("id", "name", "aliases", "pubchem_cid", *_STRUCTURE)
_LONGEST = 40

Row = Mapping[str, Any]


@dataclass
class _Found:
    """What became of a screen's drugs: new id → id of the store, and sentences' parts of what clashes."""

    ids: dict[str, str] = field(default_factory=dict)
    merged: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    clashing: list[str] = field(default_factory=list)
    other_structure: dict[str, str] = field(default_factory=dict)


def joined(store: GraphStore, bundle: Bundle) -> Bundle:
    """A bundle whose drugs have the ids of the store, with notes on those that were found and those that clash.

    A drug that both have under one id, with two structures, keeps that of the store, unless nothing but the datasets of
    the bundle has tested it: then it is a new release.
    """
    table = bundle.nodes.get("Drug")
    stored = {row["id"]: row for row in store.node_rows("Drug", list(_COLUMNS))}
    if table is None or not stored:
        return bundle
    rows = table.to_pylist()
    found = _matched(rows, stored)
    if found.other_structure:
        own = {card.id for card in bundle.datasets}
        tested = store.read_edges("TESTED_ON", ("Drug", "CellLine"), ["src", "dataset"])
        of_others = set(
            pc.unique(tested.filter(pc.invert(_among(tested["dataset"], own)))["src"]).to_pylist()
        )
        found.other_structure = {id_: t for id_, t in found.other_structure.items() if id_ in of_others}
    notes = (
        *unmatched_note(
            "drugs",
            found.merged,
            "the store has under another name, by structure or code, and are one drug with it",
        ),
        *unmatched_note("drugs", found.unclear, "may be one of several drugs, and are drugs of their own"),
        *unmatched_note(
            "drugs", found.clashing, "have a code of a drug of another structure, and are drugs of their own"
        ),
        *unmatched_note(
            "drugs", found.other_structure.values(), "have another structure in the store, which stays"
        ),
    )
    if not notes:
        return bundle
    renamed = [_renamed(row, stored, found) for row in rows]
    nodes = {**bundle.nodes, "Drug": pa.Table.from_pylist(renamed, schema=table.schema)}
    edges = {key: _with_ids(key[1], edge, found.ids) for key, edge in bundle.edges.items()}
    return replace(bundle, nodes=nodes, edges=edges, notes=(*bundle.notes, *notes))


def _matched(rows: Iterable[Row], stored: Mapping[str, Row]) -> _Found:
    rows = list(rows)
    by_key: dict[str, list[str]] = {}
    by_code: dict[str, list[str]] = {}
    for id_, row in stored.items():
        if key := _key(row):
            by_key.setdefault(key, []).append(id_)
        for code in _codes(row):
            by_code.setdefault(code, []).append(id_)
    own = {row["id"] for row in rows}
    found = _Found()
    for row in rows:
        id_, key, name = row["id"], _key(row), row["name"] or row["id"]
        if id_ in stored:
            if key and _key(stored[id_]) not in (None, key):
                found.other_structure[id_] = (
                    f"{name}: {_short(row['smiles'])}, in the store {_short(stored[id_]['smiles'])}"
                )
            continue
        ids = by_key.get(key or "", [])
        same = [one for one in ids if stored[one]["inchikey"] == row.get("inchikey")]
        ids = same or ids
        if not ids:
            ids = list(dict.fromkeys(one for code in _codes(row) for one in by_code.get(code, ())))
            fitting = [one for one in ids if not key or _key(stored[one]) in (None, key)]
            if ids and not fitting:
                found.clashing.append(f"{name} and {_named(stored[ids[0]])}")
            ids = fitting
        if len(ids) == 1 and ids[0] not in own and ids[0] not in found.ids.values():
            found.ids[id_] = ids[0]
            found.merged.append(f"{name} is {_named(stored[ids[0]])}")
        elif ids:
            found.unclear.append(f"{name}: {' or '.join(_named(stored[one]) for one in ids)}")
    return found


def _key(row: Row) -> str | None:
    """The InChIKey of the parent."""
    return row.get(PARENT) or row.get("inchikey")


def _codes(row: Row) -> set[str]:
    """PubChem's number, Broad ids without batch and ChEMBL ids, also where they are names."""
    texts = [text for text in (row["id"], row["name"], *(row.get("aliases") or ())) if text]
    codes = {without_batch(text).upper() for text in texts if _CODE.fullmatch(text)}
    codes |= {f"CID {number[1]}" for text in texts if (number := _CID.fullmatch(text))}
    return codes | ({f"CID {row['pubchem_cid']}"} if row.get("pubchem_cid") is not None else set())


def _renamed(row: Row, stored: Mapping[str, Row], found: _Found) -> dict[str, Any]:
    """A drug's row under the id of the store, which keeps its name, its structure and its number."""
    if row["id"] in found.other_structure:
        return {**row, **dict.fromkeys(_STRUCTURE)}
    if row["id"] not in found.ids:
        return dict(row)
    old = stored[found.ids[row["id"]]]
    kept = {c: old[c] for c in ("name", "pubchem_cid", *_STRUCTURE) if old[c] is not None}
    if old["inchikey"] is not None:
        kept[PARENT] = old[PARENT]
    aliases = sorted({*(row.get("aliases") or ()), row["name"] or row["id"]} - {old["name"]})
    return {**row, **kept, "id": old["id"], "aliases": aliases or None}


def _with_ids(ends: tuple[str, str], table: pa.Table, ids: Mapping[str, str]) -> pa.Table:
    """Edges whose drugs have the ids of the store."""
    for column, label in zip(("src", "dst"), ends, strict=True):
        if label == "Drug" and ids:
            named = [ids.get(id_, id_) for id_ in table[column].to_pylist()]
            table = table.set_column(
                table.column_names.index(column), column, pa.array(named, table[column].type)
            )
    return table


def _among(column: pa.ChunkedArray, names: Collection[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(sorted(names), pa.string()))


def _named(row: Row) -> str:
    return row["name"] or row["id"]


def _short(smiles: str | None) -> str:
    return shortened(smiles or "none", _LONGEST)
