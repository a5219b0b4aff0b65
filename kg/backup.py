"""Backups: a folder with an embedded copy of a store of either engine, the folders of its runs, and digests of all.

The copy is a store like any other: `--store ladybug://BACKUP/graph.lbug` opens it with its runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pharmagraph.kg import digests, run_register
from pharmagraph.kg.copy import Advance, copy, edge_blocks
from pharmagraph.kg.errors import InputError, StoreError, shortened
from pharmagraph.kg.folders import make, not_its_own, whole_folder
from pharmagraph.kg.schema import NODES, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore, open_store

GRAPH, RUNS = "graph.lbug", "runs"


def _silent(kind: str, rows: int) -> None:
    """Tell nobody."""


def back_up(store: GraphStore, folder: Path, *, advance: Advance = _silent) -> dict[str, int]:
    """Copy a store and the folders of its runs into a new folder, and compare every row with the original.

    Parameters
    ----------
    store
        An open store of either engine.
    folder
        New, or empty; nothing is left there if the backup fails.
    advance
        Called to show progress.

    Returns
    -------
    dict
        ``nodes``, ``edges`` and ``runs``: how many were copied.

    Raises
    ------
    InputError
        If there is something in the folder, the store is empty, or the folder of a run is not there.
    StoreError
        If the copy differs from the original, as when somebody writes to it meanwhile.
    """
    places = _run_folders(store)
    with whole_folder(folder) as place:
        with open_store(f"ladybug://{place / GRAPH}") as target:
            copy(store, target, advance=advance)
            require_same(store, target, advance=advance)
            _copy_runs(target, places, place / RUNS, folder.resolve() / RUNS)
            counts = target.counts()
        digests.write(place)
    return _totals(counts, places)


def restore(
    folder: Path, url: str | None, runs_folder: Path, *, advance: Advance = _silent
) -> tuple[str, dict[str, int]]:
    """Copy a backup into an empty store, and the folders of its runs into a folder, and compare every row.

    Parameters
    ----------
    folder
        A backup.
    url
        The store to fill, as `open_store` takes it. It is made where it is not there. It may hold a part of the same
        backup: a restore that was cut off is run again.
    runs_folder
        Where the folders of runs are put.
    advance
        Called to show progress.

    Returns
    -------
    url, counts
        The store that was filled, and counts as of `back_up`.

    Raises
    ------
    InputError
        If the folder is no backup, one of its files was changed, the store holds another graph, or a run's folder is
        there already and differs.
    StoreError
        If the store then differs from the backup.
    """
    if not (folder / GRAPH).exists() or not (folder / digests.DIGESTS).is_file():
        raise InputError(
            f"{folder} is no backup: {GRAPH} or {digests.DIGESTS} is not in it; see: cli backup --help"
        )
    for problem, names in digests.changed(folder).items():
        raise InputError(
            f"{folder / names[0]} is {problem} since the backup was made; restore another backup"
        )
    with open_store(f"ladybug://{folder / GRAPH}", read_only=True) as source:
        named = [str(row["id"]) for row in run_register.runs(source) if row["folder"]]
        places = {name: folder / RUNS / name for name in named}
        for name, place in places.items():
            _require_name(name)
            if not place.is_dir():
                raise InputError(f"the folder of run {name} is not in {folder}; restore another backup")
            if (there := runs_folder / name).exists() and _differ(place, there):
                raise InputError(f"{there} is there already, and differs; give --runs another folder")
            if (other := not_its_own(place)) is not None:
                raise InputError(f"{other} is no file of the run's own; restore another backup")
        make(runs_folder)
        with open_store(url) as store:
            if store.counts()["Dataset"] and not _is_same(source, store):
                raise InputError(
                    f"{store.url} holds another graph; restore into a new store: cli restore {folder} --store …"
                )
            copy(source, store, advance=advance)
            require_same(source, store, advance=advance)
            _copy_runs(store, places, runs_folder, runs_folder.resolve())
            return store.url, _totals(store.counts(), places)


def _differ(one: Path, other: Path) -> bool:
    """Whether a folder of a run lacks a file of another, or has it with another content."""
    files = [path.relative_to(one) for path in one.rglob("*") if path.is_file()]
    return any(
        not (other / name).is_file() or digests.checksum(one / name) != digests.checksum(other / name)
        for name in files
    )


def require_same(first: GraphStore, second: GraphStore, *, advance: Advance = _silent) -> None:
    """Raise StoreError at the first row in which two stores differ; folders of runs are not compared."""
    for kind in NODES:
        columns = [c.name for c in kind.columns if (kind.label, c.name) != ("Run", "folder")]
        tables = [store.read_nodes(kind.label, columns).sort_by("id") for store in (first, second)]
        _require_equal(kind.label, tables[0], tables[1], first, second)
        advance(kind.label, len(tables[0]))
    for edge, ends in edge_tables():
        key = edge_count_key(edge.type, ends)
        counts = [store.counts()[key] for store in (first, second)]
        if counts[0] != counts[1]:
            raise StoreError(f"{second.url} holds {counts[1]:,} {key}, and {first.url} {counts[0]:,}")
        sources = first.read_nodes(ends[0], ["id"])["id"].to_pylist()
        blocks = [
            edge_blocks(store, edge.type, ends, edges=counts[0], sources=sources) for store in (first, second)
        ]
        for one, other in zip(*blocks, strict=True):
            order = [(name, "ascending") for name in edge.key]
            _require_equal(key, one.sort_by(order), other.sort_by(order), first, second)
            advance(key, len(one))


def _is_same(first: GraphStore, second: GraphStore) -> bool:
    try:
        require_same(first, second)
    except StoreError:
        return False
    return True


def _require_equal(kind: str, one: pa.Table, other: pa.Table, first: GraphStore, second: GraphStore) -> None:
    if one.equals(other.select(one.column_names).cast(one.schema)):
        return
    pairs: Iterator[tuple[Any, Any]] = zip(one.to_pylist(), other.to_pylist(), strict=False)
    differs = next((a for a, b in pairs if not _alike(a, b)), None)
    if differs is None and len(one) == len(other):
        return  # NaN, which equals nothing
    what = (
        f"at {differs.get('id') or differs.get('src')}"
        if differs
        else f"in {len(other):,} for {len(one):,} rows"
    )
    raise StoreError(
        f"{second.url} differs from {first.url} in {kind} {what}; somebody writes to one of them"
    )


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(other[k] == v or (v != v and other[k] != other[k]) for k, v in one.items())


def _run_folders(store: GraphStore) -> dict[str, Path]:
    places = {}
    for run in run_register.runs(store):
        if run["folder"] is None:
            continue
        _require_name(str(run["id"]))
        places[str(run["id"])] = Path(run["folder"])
        if not Path(run["folder"]).is_dir():
            raise InputError(
                f"the folder of run {run['id']}, {run['folder']}, is not there; "
                f"put it back, or: cli runs delete {run['id']}"
            )
        if (other := not_its_own(Path(run["folder"]))) is not None:
            raise InputError(f"{other} is no file of the run's own; put a copy of the file in its place")
    return places


def _require_name(run: str) -> None:
    """Refuse a run whose id, as the name of a folder, would lead out of the folder of runs."""
    if Path(run).name != run or run == ".." or "\\" in run:
        raise InputError(f'the run "{shortened(run)}" has no name for a folder; remove it: cli runs delete')


def _copy_runs(store: GraphStore, places: Mapping[str, Path], folder: Path, named: Path) -> None:
    """Copy folders of runs into a folder, which the register then names as ``named``."""
    for name, place in places.items():
        if not (folder / name).exists():
            with whole_folder(folder / name) as unfinished:
                shutil.copytree(place, unfinished, dirs_exist_ok=True)
    if places:
        rows = {"id": list(places), "folder": [str(named / name) for name in places]}
        store.upsert_nodes("Run", pa.table(rows))


def _totals(counts: Mapping[str, int], places: Mapping[str, Path]) -> dict[str, int]:
    labels = {kind.label for kind in NODES}
    nodes = sum(n for kind, n in counts.items() if kind in labels)
    return {"nodes": nodes, "edges": sum(counts.values()) - nodes, "runs": len(places)}
