"""Checks a store against its own registers and the schema, and mends what can be mended without loss.

Every node and edge is read once, in blocks. Nothing is written unless `mend` is called.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import attention, digests, predicted, run_register, runs
from pharmagraph.kg.copy import edge_blocks
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.kinds import EdgeFilter, EdgeKind, Ends, NodeKind, Property
from pharmagraph.kg.schema import NODES, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore

OF_RUN = "run_id"
ROUNDING = 1e-3
"""By which weights of attention, which are rounded, may add up to more than 1."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    where
        The kind of node or edge, a data set or a run.
    problem
        In words.
    count
        Number of rows.
    example
        The first of them.
    way_out
        What mends it: a command, or ``--fix``.
    """

    where: str
    problem: str
    count: int
    example: str
    way_out: str


FIX = "cli check --fix"
AGAIN = "load its source again"


@dataclass(frozen=True)
class _Registers:
    """Ids that other rows may name."""

    datasets: frozenset[str]
    runs: frozenset[str]
    promoted: str | None

    @classmethod
    def of(cls, store: GraphStore) -> _Registers:
        listed = store.node_rows("Run", ["id", "promoted"])
        return cls(
            frozenset(row["id"] for row in store.node_rows("Dataset", ["id"])),
            frozenset(row["id"] for row in listed),
            next((row["id"] for row in listed if row["promoted"]), None),
        )


def check(store: GraphStore, *, advance: Callable[[str], None] = lambda kind: None) -> list[Finding]:
    """Everything that is wrong in a store, in the order in which it is read.

    Parameters
    ----------
    store
        An open store.
    advance
        Called with each kind before its rows are read.
    """
    registers = _Registers.of(store)
    found: list[Finding] = []
    for node in NODES:
        advance(node.label)
        found += _wrong_nodes(node, store.read_nodes(node.label), registers)
    counted: Counter[tuple[str, str]] = Counter()
    for edge, ends in edge_tables():
        advance(edge_count_key(edge.type, ends))
        found += _wrong_edges(store, edge, ends, registers, counted)
    advance("registers")
    found += _wrong_counts(store, counted)
    found += _wrong_runs(store)
    return found


def mend(store: GraphStore) -> list[str]:
    """Remove what no register lists, and finish removals that were cut off; returns what was done, in words.

    Raises
    ------
    InputError
        If the store is open for reading only.
    """
    before, left = store.counts(), run_register.half_deleted(store)
    runs.finish(store)
    runs.sweep(store)
    datasets = _Registers.of(store).datasets
    filters: list[EdgeFilter] = []
    for edge, ends in edge_tables():
        if _has_dataset(edge.columns):
            named = {str(row["id"]) for row in store.rows(_DATASETS.format(*ends, edge.type))}
            if strangers := sorted(named - datasets):
                filters.append((edge.type, ends, {"dataset": strangers}))
    nodes: dict[str, list[str]] = {}
    for node in NODES:
        if _has_dataset(node.columns):
            rows = store.node_rows(node.label, ["id", "dataset"])
            if strangers := [row["id"] for row in rows if row["dataset"] not in datasets]:
                nodes[node.label] = strangers
    if filters or nodes:
        store.remove(filters, nodes)
    after = store.counts()
    done = [f"removed the rest of {len(left)} runs whose removal was cut off"] if left else []
    return done + [f"removed {n - after[kind]:,} {kind}" for kind, n in before.items() if n != after[kind]]


_DATASETS = "MATCH (:{0})-[e:{2}]->(:{1}) RETURN DISTINCT e.dataset AS id"


def _has_dataset(columns: Sequence[Property]) -> bool:
    return any(column.name == "dataset" for column in columns)


def _registered(columns: Sequence[Property], registers: _Registers) -> Iterator[tuple[str, frozenset[str]]]:
    """Columns that hold an id of a register, and the ids."""
    if _has_dataset(columns):
        yield "dataset", registers.datasets
    if any(column.name == OF_RUN for column in columns):
        yield OF_RUN, registers.runs


def _wrong_nodes(kind: NodeKind, table: pa.Table, registers: _Registers) -> Iterator[Finding]:
    yield from _wrong_values(kind.label, kind.columns, table, table["id"])
    yield from _unlisted(kind.label, kind.columns, table, table["id"], registers)


def _wrong_edges(
    store: GraphStore, kind: EdgeKind, ends: Ends, registers: _Registers, counted: Counter[tuple[str, str]]
) -> list[Finding]:
    key = edge_count_key(kind.type, ends)
    found: dict[tuple[str, str], Finding] = {}
    for block in edge_blocks(store, kind.type, ends):
        if "dataset" in block.column_names:
            for one in pc.value_counts(block["dataset"].combine_chunks()).to_pylist():
                counted[one["values"], key] += one["counts"]
        names = pc.binary_join_element_wise(block["src"], block["dst"], " – ")
        wrong = [
            *_wrong_values(key, kind.columns, block, names),
            *_unlisted(key, kind.columns, block, names, registers),
            *_doubled(key, kind, block, names),
            *_of_another_run(key, kind, block, names, registers),
            *_too_much_attention(key, kind, ends, block),
            *_wrong_intervals(key, kind, block, names),
        ]
        for one in wrong:
            before = found.get((one.where, one.problem))
            n = one.count + (before.count if before else 0)
            found[one.where, one.problem] = Finding(
                one.where, one.problem, n, before.example if before else one.example, one.way_out
            )
    return list(found.values())


def _wrong_values(
    where: str, columns: Sequence[Property], table: pa.Table, names: pa.ChunkedArray
) -> Iterator[Finding]:
    """Values that the schema does not allow."""
    for column in columns:
        values = table[column.name]
        if column.required and values.null_count:
            yield _finding(where, f"no {column.name}", pc.is_null(values), names, AGAIN)
        if column.type in ("integer", "float"):
            wrong = pc.is_nan(values.cast(pa.float64())).fill_null(False)  # a missing value is null
            if column.minimum is not None:
                wrong = pc.or_(wrong, pc.less(values, column.minimum).fill_null(False))
            if column.maximum is not None:
                wrong = pc.or_(wrong, pc.greater(values, column.maximum).fill_null(False))
            yield from _if_any(where, f"{column.name} out of its range", wrong, names, AGAIN)
        if column.choices:
            of_choices = pc.is_in(values, pa.array(column.choices, values.type))
            wrong = pc.and_(pc.is_valid(values), pc.invert(of_choices))
            yield from _if_any(where, f"{column.name} is none of its choices", wrong, names, AGAIN)


def _unlisted(
    where: str, columns: Sequence[Property], table: pa.Table, names: pa.ChunkedArray, registers: _Registers
) -> Iterator[Finding]:
    for column, known in _registered(columns, registers):
        what = "data set" if column == "dataset" else "run"
        stranger = pc.invert(pc.is_in(table[column], pa.array(sorted(known), pa.string())))
        yield from _if_any(where, f"of a {what} that is not listed", stranger, names, FIX)


def _doubled(where: str, kind: EdgeKind, block: pa.Table, names: pa.ChunkedArray) -> Iterator[Finding]:
    """Edges with the identity of another; a block holds all edges of its source nodes."""
    counts = block.select(kind.key).group_by(kind.key).aggregate([([], "count_all")])
    n = len(block) - len(counts)
    if n:
        first = counts.filter(pc.greater(counts["count_all"], 1)).slice(0, 1).to_pylist()[0]
        yield Finding(where, "doubled", n, f"{first['src']} – {first['dst']}", "cli copy into a new store")
    if kind.symmetric:
        yield from _if_any(where, "the larger id first", pc.greater(block["src"], block["dst"]), names, AGAIN)


def _of_another_run(
    where: str, kind: EdgeKind, block: pa.Table, names: pa.ChunkedArray, registers: _Registers
) -> Iterator[Finding]:
    if not kind.base:
        return
    carried = block["attention_run"]
    wrong = pc.is_valid(carried)
    if registers.promoted is not None:
        wrong = pc.and_(wrong, pc.not_equal(carried, registers.promoted).fill_null(False))
    way = f"cli runs promote {registers.promoted}" if registers.promoted else "cli runs promote RUN"
    yield from _if_any(where, "with attention of a run that is not promoted", wrong, names, way)


def _wrong_intervals(
    where: str, kind: EdgeKind, block: pa.Table, names: pa.ChunkedArray
) -> Iterator[Finding]:
    if kind.type == "PREDICTED":
        for problem, wrong in predicted.wrong_intervals(block).items():
            yield from _if_any(where, problem, wrong, names, "cli predict --write")


def _too_much_attention(where: str, kind: EdgeKind, ends: Ends, block: pa.Table) -> Iterator[Finding]:
    """Nodes whose attention of a run adds up to more than 1 in each relation of the two labels.

    A network has a relation for each type of base edge, and two for responses: sensitive and resistant ones.
    """
    if kind.type != "ATTENDS":
        return
    relations = sum(2 if type_ == "TESTED_ON" else 1 for type_ in attention.BASE_EDGES.get(ends, ())) or 1
    keys = ["src", OF_RUN, "objective"]
    sums = block.select([*keys, "weight"]).group_by(keys).aggregate([("weight", "sum")])
    over = sums.filter(pc.greater(sums["weight_sum"], relations + ROUNDING))
    if len(over):
        first = over.slice(0, 1).to_pylist()[0]
        example = f"{first['src']}, run {first[OF_RUN]}: {first['weight_sum']:.4f}"
        problem = f"weights of a node add up to more than {relations}"
        yield Finding(where, problem, len(over), example, "cli train")


def _wrong_counts(store: GraphStore, counted: Counter[tuple[str, str]]) -> Iterator[Finding]:
    for row in store.node_rows("Dataset", ["id", "row_counts"]):
        for kind, n in json.loads(row["row_counts"] or "{}").items():
            if (held := counted[row["id"], kind]) != n:
                yield Finding(
                    f"data set {row['id']}", f"another number of {kind} than was loaded", abs(held - n),
                    f"{held:,} for {n:,}", AGAIN,
                )  # fmt: skip


def _wrong_runs(store: GraphStore) -> Iterator[Finding]:
    for left in run_register.half_deleted(store):
        yield Finding(f"run {left}", "its removal was cut off", 1, left, FIX)
    for run in run_register.runs(store):
        where, again = f"run {run['id']}", "cli train; then cli runs delete " + run["id"]
        cypher = "MATCH ()-[a:ATTENDS {run_id: $run}]->() RETURN count(a) AS n"
        if run["gene_attention"] != "none" and not store.rows(cypher, {"run": run["id"]})[0]["n"]:
            yield Finding(where, "has no attention", 1, run["id"], again)
        folder = Path(run["folder"]) if run["folder"] else None
        if folder is None:
            continue
        if not folder.is_dir():
            yield Finding(where, "its folder is not there", 1, str(folder), again)
            continue
        try:
            for problem, names in digests.changed(folder).items():
                yield Finding(where, f"files {problem}", len(names), names[0], again)
        except InputError as error:
            yield Finding(where, str(error), 1, str(folder), again)


def _if_any(
    where: str, problem: str, wrong: pa.ChunkedArray, names: pa.ChunkedArray, way_out: str
) -> Iterator[Finding]:
    if pc.any(wrong).as_py():
        yield _finding(where, problem, wrong, names, way_out)


def _finding(
    where: str, problem: str, wrong: pa.ChunkedArray, names: pa.ChunkedArray, way_out: str
) -> Finding:
    rows = np.flatnonzero(np.asarray(wrong))
    return Finding(where, problem, len(rows), str(names[int(rows[0])].as_py()), way_out)


def shown(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """A row for each finding, for a table."""
    return [
        {"where": f.where, "problem": f.problem, "rows": f.count, "first": f.example, "way out": f.way_out}
        for f in found
    ]
