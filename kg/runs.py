"""The register of training runs: write a run's attention and predictions, list, compare, promote, delete.

A run is listed only when all of it is written: its edges are written first and its node last. Edges of a run that was
interrupted are removed before the next run is written. The run's folder keeps the attention of every edge, the store
that of each node's strongest edges.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pharmagraph.kg import attention, digests, schema
from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.folders import not_its_own
from pharmagraph.kg.run_kinds import RESPONSE, TARGET
from pharmagraph.kg.run_register import DELETING, half_deleted
from pharmagraph.kg.run_register import Advance as Advance
from pharmagraph.kg.run_register import find as find
from pharmagraph.kg.run_register import runs as runs
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.store import GraphStore

ATTENTION_FOLDER = "attention"
MADE_BY_RUNS = tuple(kind.type for kind in schema.EDGES if not kind.base)
"""Edge types that carry a run's id and go with it."""
TOP_K = 50
"""ATTENDS edges kept for each node, relation and objective, beside those of known pairs."""


def new_folder(store: GraphStore, folder: Path, name: str) -> Path:
    """Make the folder of a new run. Its name is the run's id: ``name`` and four random hexadecimal digits.

    Preset, second and seed do not make a name unique: two trainings can start in one second, and clocks are set back.
    The id is that of no run in the store, and the folder was not there before.

    Parameters
    ----------
    store
        In which the run will be registered.
    folder
        In which the run's folder is made.
    name
        First part of the id: preset, time and seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = set(_ids(store))
    while True:
        place = folder / f"{name}-{secrets.token_hex(2)}"
        if place.name in taken:
            continue
        try:
            place.mkdir()
        except FileExistsError:
            continue
        return place


def register(
    store: GraphStore,
    run: Mapping[str, Any],
    tables: Mapping[Ends, pa.Table],
    predictions: pa.Table,
    *,
    folder: Path,
    top_k: int = TOP_K,
    advance: Advance = lambda what: None,
) -> None:
    """Write a trained run into the store.

    Parameters
    ----------
    store
        Open for writing.
    run
        Properties of the Run node; ``id`` and ``preset`` at least. Dictionaries become JSON.
    tables
        Ends → attention table (see `kg.attention`), every edge.
    predictions
        ``src`` (drug), ``dst`` (cell line), and ``probability`` or ``ln_ic50`` (ln µmol/l).
    folder
        The run's folder; the attention of every edge is kept there as Parquet.
    top_k
        ATTENDS edges kept for each node, relation and objective, beside those of `kg.attention.ALWAYS_KEPT`.
    advance
        Called with what is about to be written.

    Raises
    ------
    InputError
        If a run of that id is in the store already, or a table is no attention table of the schema.
    """
    run_id = str(run["id"])
    if run_id in _ids(store):
        raise InputError(f'run "{run_id}" is in the store already; delete it first: cli runs delete {run_id}')
    finish(store)
    sweep(store)
    relations = attention.all_relations(tables)
    (folder / ATTENTION_FOLDER).mkdir(parents=True, exist_ok=True)
    for ends, table in relations.items():
        advance("→".join(ends))
        scored = attention.scores(table)
        pq.write_table(
            table.replace_schema_metadata(_of_run(run_id, ends)),
            folder / ATTENTION_FOLDER / f"{attention.relation_name(ends)}.parquet",
            compression="zstd",
        )
        known = attention.ALWAYS_KEPT.get(ends)
        always = store.read_edges(known, ends, ["src", "dst"]) if known else None
        kept = attention.strongest(scored, top_k, always)
        store.upsert_edges("ATTENDS", ends, _with_run(kept, run_id))
    advance("predictions")
    if predictions.num_rows:
        store.upsert_edges("PREDICTED", ("Drug", "CellLine"), _with_run(predictions, run_id))
    advance("run")
    digests.write(folder)
    store.upsert_nodes("Run", _row({**run, "folder": str(folder), "status": "complete", "promoted": False}))


def promote(store: GraphStore, run_id: str, *, advance: Advance = lambda what: None) -> dict[str, int]:
    """Set a run's attention on the base edges, and clear that of the run promoted before.

    `kg.attention.on_base_edges` says which attention an edge gets. Base edges of relations on which the run's
    predictions do not draw get none.

    Returns
    -------
    dict
        Edge type with its ends → number of edges that have attention now.

    Raises
    ------
    NotFoundError
        If there is no such run.
    ModelError
        If the run's folder has no attention tables any more.
    """
    run = find(store, run_id)
    tables = attention_of(store, run)
    for ends, table in tables.items():
        _require_nodes(store, run, ends, table)
    finish(store)
    values = {
        (type_, ends): attention.on_base_edges(type_, ends, table)
        for ends, table in tables.items()
        for type_ in attention.BASE_EDGES[ends]
    }
    counts = store.counts()
    _mark_promoted(store, None)  # until all is written no run is promoted
    written: dict[str, int] = {}
    for ends, types in attention.BASE_EDGES.items():
        for type_ in types:
            name = f"{ends[0]}-{type_}-{ends[1]}"
            if counts[name]:
                advance(name)
                found = values.get((type_, ends), _NO_ATTENTION)
                written[name] = store.set_attention(type_, ends, found, run_id)
    _mark_promoted(store, run_id)
    return written


def attention_of(store: GraphStore, run: Mapping[str, Any]) -> dict[Ends, pa.Table]:
    """The run's attention tables, with every edge, from its folder; those of drugs and genes say their objective.

    Raises
    ------
    ModelError
        If the folder was moved or removed, a table cannot be read, lacks a column or has a weight outside [0, 1], or
        the store has attention of the run for which the folder has no table.
    """
    folder = Path(run["folder"] or "") / ATTENTION_FOLDER
    if not run["folder"] or not folder.is_dir():
        lost = folder if run["folder"] and folder.parent.is_dir() else run["folder"]
        raise ModelError(f"run {run['id']}: its folder {lost} is not there; bring it back, or train again")
    if (other := folder if folder.is_symlink() else not_its_own(folder)) is not None:
        raise ModelError(f"{other} is no file of the run's own; put a copy of the file in its place")
    tables = {}
    for ends in attention.BASE_EDGES:
        path = folder / f"{attention.relation_name(ends)}.parquet"
        if path.is_file():
            try:
                tables[ends] = pq.read_table(path)
            except (OSError, pa.ArrowException) as error:
                why = str(error).splitlines()[0]
                raise ModelError(f"{path} cannot be read ({why}); train again: cli train") from error
            for column in attention.COLUMNS:
                if column.required and column.name not in tables[ends].column_names:
                    raise ModelError(
                        f"{path} is no attention table (no column {column.name}); train again: cli train"
                    )
            noted = tables[ends].schema.metadata or {}
            if any(noted.get(key, value) != value for key, value in _of_run(run["id"], ends).items()):
                raise ModelError(
                    f"{path} is the attention of another run or relation; bring the run's own file back, or train again"
                )
            try:
                attention.weights(tables[ends])
                attention.require_edges(tables[ends])
                tables[ends] = attention.with_objective(ends, tables[ends])
            except InputError as error:
                raise ModelError(f"{path}: {error}") from None
        elif store.read_edges("ATTENDS", ends, ["src"], equals={"run_id": run["id"]}).num_rows:
            raise ModelError(f"run {run['id']} lacks {path}; bring it back, or train again: cli train")
    return tables


def _require_nodes(store: GraphStore, run: Mapping[str, Any], ends: Ends, table: pa.Table) -> None:
    """Refuse attention of which no edge joins nodes of the store; some may have been removed since."""
    known = True
    for label, end in zip(ends, ("src", "dst"), strict=True):
        ids = store.read_nodes(label, ["id"])["id"]
        known = pc.and_(known, pc.is_in(table[end].cast(pa.string()), ids))
    if table.num_rows and not pc.any(known).as_py():
        place = Path(run["folder"]) / ATTENTION_FOLDER / f"{attention.relation_name(ends)}.parquet"
        raise ModelError(
            f"{place} holds no edge of this graph; bring the run's own file back, or train again"
        )


def require_writable(store: GraphStore) -> None:
    """Refuse a store that is open read-only: before a training, not after it.

    Raises
    ------
    StoreError
        If it is.
    """
    store.delete_nodes("Run", [])


def compare(store: GraphStore, first: str, second: str, *, top: int = 20) -> list[dict[str, Any]]:
    """Held-out metrics of two runs side by side, and the overlap of the genes that drugs attend to most.

    The overlap is that of genes attended to as targets. Where both runs have attention fitted to response, its overlap
    follows.

    Parameters
    ----------
    top
        Genes of each drug that are compared.

    Returns
    -------
    list of dict
        ``metric``, ``first`` and ``second`` (the runs' values), and ``difference`` (second less first).
    """
    pair = [find(store, first), find(store, second)]
    names = [m for m in pair[0]["metrics"] if m in pair[1]["metrics"]]
    compared = [_compared(name, pair[0]["metrics"][name], pair[1]["metrics"][name]) for name in names]
    rows = [row for row in compared if row is not None]
    for objective, what in {TARGET: "genes", RESPONSE: "response genes"}.items():
        shared = _shared_genes(store, first, second, top, objective)
        if objective == TARGET or shared is not None:
            metric = f"shared of top {top} {what}, mean over drugs"
            rows.append({"metric": metric, "first": shared, "second": shared, "difference": 0.0})
    return rows


def delete(store: GraphStore, run_id: str) -> int:
    """Remove a run and its edges from the store; its folder stays.

    Returns
    -------
    int
        Number of edges removed.
    """
    if run_id in half_deleted(store):
        return finish(store)
    run = find(store, run_id)
    finish(store)
    marked = {"id": [run_id], "status": [DELETING], "promoted": [False]}
    store.upsert_nodes("Run", pa.table(marked))  # first: a run that is half removed must not be listed
    return _remove(store, [run_id], attention_too=run["promoted"])


def finish(store: GraphStore) -> int:
    """Remove the rest of runs whose removal was cut off; returns the number of edges removed."""
    left = half_deleted(store)
    if not left:
        return 0
    none_promoted = not any(run["promoted"] for run in runs(store))
    return _remove(store, left, attention_too=none_promoted)


def _remove(store: GraphStore, run_ids: list[str], *, attention_too: bool) -> int:
    """Remove runs that are marked; their nodes go last, so that what is left is found and removed another time."""
    if attention_too:
        for ends, types in attention.BASE_EDGES.items():
            for type_ in types:
                store.set_attention(type_, ends, _NO_ATTENTION, run_ids[0])
    removed = _delete_edges(store, run_ids)
    store.delete_nodes("Run", run_ids)
    return removed


_NO_ATTENTION = pa.Table.from_batches(
    [], pa.schema([("src", pa.string()), ("dst", pa.string()), ("attention", pa.float64())])
)  # from no batches: making an array would import pandas, half a second for commands that need none


def _of_run(run_id: str, ends: Ends) -> dict[bytes, bytes]:
    """What an attention file notes of itself, so that another in its place is recognised."""
    name = attention.relation_name(ends)
    return {b"pharmagraph.run": run_id.encode(), b"pharmagraph.relation": name.encode()}


def _ids(store: GraphStore) -> list[str]:
    ids: list[str] = store.read_nodes("Run", ["id"])["id"].to_pylist()
    return ids


def _with_run(table: pa.Table, run_id: str) -> pa.Table:
    return table.append_column("run_id", pa.array([run_id] * table.num_rows, pa.string()))


def _row(run: Mapping[str, Any]) -> pa.Table:
    plain = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in run.items()}
    types = {p.name: schema.ARROW[p.type] for p in schema.node("Run").columns}
    return pa.table({k: pa.array([v], types[k]) for k, v in plain.items()})


def _mark_promoted(store: GraphStore, run_id: str | None) -> None:
    ids = _ids(store)
    if ids:
        store.upsert_nodes("Run", pa.table({"id": ids, "promoted": [i == run_id for i in ids]}))


def sweep(store: GraphStore) -> None:
    """Remove edges of runs that were interrupted before their node was written."""
    known = set(_ids(store))
    left: set[str] = set()
    for type_ in MADE_BY_RUNS:
        for ends in schema.edge(type_).ends:
            rows = store.query(
                f"MATCH (:{ends[0]})-[e:{type_}]->(:{ends[1]}) RETURN DISTINCT e.run_id AS run_id"
            )
            left |= {str(run_id) for run_id in rows["run_id"].to_pylist()} - known
    if left:
        _delete_edges(store, sorted(left))


def _delete_edges(store: GraphStore, run_ids: list[str]) -> int:
    return sum(
        store.delete_edges(type_, ends, equals={"run_id": run_ids})
        for type_ in MADE_BY_RUNS
        for ends in schema.edge(type_).ends
    )


def _compared(name: str, first: Any, second: Any) -> dict[str, Any] | None:
    if not isinstance(first, (int, float)) or not isinstance(second, (int, float)):
        return None
    return {"metric": name, "first": first, "second": second, "difference": second - first}


def _shared_genes(store: GraphStore, first: str, second: str, top: int, objective: str) -> float | None:
    """Jaccard index of a drug's top genes of an objective in two runs, mean over the drugs of both, or None."""
    genes: list[dict[str, set[str]]] = []
    for run_id in (first, second):
        table = store.read_edges(
            "ATTENDS",
            ("Drug", "Gene"),
            ["src", "dst", "rank"],
            equals={"run_id": run_id, "objective": objective},
        )
        table = table.filter(pc.less_equal(table["rank"], top))
        by_drug: dict[str, set[str]] = {}
        for drug, gene in zip(table["src"].to_pylist(), table["dst"].to_pylist(), strict=True):
            by_drug.setdefault(drug, set()).add(gene)
        genes.append(by_drug)
    both = genes[0].keys() & genes[1].keys()
    if not both:
        return None
    return sum(len(genes[0][d] & genes[1][d]) / len(genes[0][d] | genes[1][d]) for d in both) / len(both)
