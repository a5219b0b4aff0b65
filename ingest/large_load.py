"""Writes a screen that is made block by block into the embedded store, without ever holding all of its edges.

Every block is checked by the same contracts as the tables of other loads (`ingest.contracts`). An edge kind is written
whole or not at all, the Dataset node last; so a load that was cut off is finished by the same load again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.contracts import validate
from pharmagraph.ingest.load import Report, changes_by_kind, upsert_nodes
from pharmagraph.ingest.releases import Step, reconcile
from pharmagraph.ingest.sources.large_screen import LargeScreen
from pharmagraph.kg import arguments, history, schema
from pharmagraph.kg import steps as told
from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.ingest_kind import LOAD
from pharmagraph.kg.schema import edge_count_key
from pharmagraph.kg.store import FilledByBlocks, GraphStore, folder_of

Advance = Callable[[str, int, int], None]
"""Told what is being written, the rows written so far, and about how many there are in all."""


def require_room(store: GraphStore | str | None, screen: LargeScreen) -> None:
    """Refuse a screen for which the disk or the memory has too little left; a store given by URL is not opened.

    Raises
    ------
    InputError
        If the store is on a server.
    StoreFullError
        With the estimate, and what there is.
    """
    from pharmagraph.kg.ladybug import fill, size

    if store is not None and not isinstance(store, str):
        arguments.require_store(store)
        folder = store.folder
    else:
        folder = folder_of(store)
    if folder is None:
        raise InputError(
            "a screen of any size fills an embedded store by blocks, and no server; load into ladybug://FILE, "
            "and then: cli copy"
        )
    if folder.is_dir():  # else opening the store says what is wrong
        edges, nodes = _by_type(screen), screen.drugs + screen.cells + screen.genes
        size.require(size.needs(edges, nodes, at_once=fill.at_once(max(edges.values()))), folder)


def load(
    store: GraphStore, screen: LargeScreen, *, advance: Advance = lambda what, done, total: None
) -> Report:
    """Write a large screen.

    Parameters
    ----------
    store
        An embedded store, open for writing, with no edges of another data set of the kinds that the screen has.
    screen
        The screen.
    advance
        Called to show progress.

    Raises
    ------
    InputError
        If the store is on a server, or holds such edges, or another screen of this name; or if a block breaks its
        contract.
    StoreError
        If the store afterwards holds fewer or more rows than were sent.
    """
    started = time.perf_counter()
    if not isinstance(store, FilledByBlocks):
        raise InputError(
            f"{store.url} cannot be filled by blocks; load into ladybug://FILE, and then: cli copy"
        )
    about, rows = screen.expected(), 0
    total = round(sum(about.values())) + screen.drugs + screen.cells + screen.genes

    def written(what: str, more: int) -> None:
        nonlocal rows
        rows += more
        advance(what, rows, max(rows, total))

    store.create_schema()
    held = store.counts()
    bundle = Bundle(screen.name, (screen.card,), {}, {})
    if (done := _loaded(store, screen, held)) is not None:
        return Report(bundle, done, time.perf_counter() - started)
    _require_own(store, screen, held)
    steps: list[Step] = []
    for label, table in screen.nodes().items():
        written(label, 0)
        with told.step(f"load {label}", rows=table.num_rows):
            step, _ = upsert_nodes(store, label, validate(schema.node(label), table))
        steps.append(step)
        written(label, table.num_rows)
    edges = screen.edges()
    for type_, n in _by_type(screen).items():
        ends = [key[1] for key in edges if key[0] == type_]
        written(type_, 0)
        with told.step(f"load {type_}", rows=round(n)) as counted:
            inserted = store.fill_edges(
                type_,
                {one: _contracted(type_, edges[type_, one], written) for one in ends},
                about={one: about[type_, one] for one in ends},
            )
            counted["inserted"] = sum(inserted.values())
        steps += [Step(type_, one, Change(inserted=n)) for one, n in inserted.items()]
    now = store.counts()
    for step in steps:
        if step.ends is not None:
            reconcile(step.kind, step.change.total, now[edge_count_key(step.kind, step.ends)])
    _record(store, screen, steps)
    return Report(bundle, tuple(steps), time.perf_counter() - started)


def _by_type(screen: LargeScreen) -> dict[str, float]:
    """Edge type → about how many edges there will be."""
    found: dict[str, float] = {}
    for (type_, _), n in screen.expected().items():
        found[type_] = found.get(type_, 0) + n
    return found


def _contracted(
    type_: str, blocks: Iterator[pa.Table], written: Callable[[str, int], None]
) -> Iterator[pa.Table]:
    """Blocks that keep the contract of their kind."""
    kind = schema.edge(type_)
    for block in blocks:
        yield validate(kind, block)
        written(type_, block.num_rows)


def _loaded(store: GraphStore, screen: LargeScreen, held: dict[str, int]) -> tuple[Step, ...] | None:
    """Steps of a load that changes nothing, if the store holds this screen; None if it has none of this name.

    Raises
    ------
    InputError
        If it has another of this name, or some of its edges were changed since.
    """
    cards = store.read_nodes("Dataset", ["id", "source", "version", "row_counts"]).to_pylist()
    card = next((row for row in cards if row["id"] == screen.name), None)
    if card is None:
        return None
    counts: dict[str, int] = json.loads(card["row_counts"] or "{}")
    same = (card["source"], card["version"]) == (screen.card.source, screen.card.version)
    if not same or any(held.get(key) != n for key, n in counts.items()):
        was = f"{card['source']}, {card['version']}" if not same else "but not all of its edges"
        raise InputError(
            f'{store.url} has a dataset "{screen.name}" already ({was}); load into a new file: --store ladybug://FILE'
        )
    labels = {"Drug": screen.drugs, "Gene": screen.genes, "CellLine": screen.cells}
    nodes = [Step(label, None, Change(unchanged=n)) for label, n in labels.items()]
    of_edges = [
        Step(type_, ends, Change(unchanged=counts.get(edge_count_key(type_, ends), 0)))
        for type_, ends in screen.expected()
    ]
    return (*nodes, *of_edges)


def _require_own(store: GraphStore, screen: LargeScreen, held: dict[str, int]) -> None:
    """Refuse a store whose edges of the screen's kinds, or nodes of its names, are not those of a load of it that was
    cut off."""
    for label, ids in screen.ids.items():
        there = store.read_nodes(label, ["id"]).column("id")
        named = pc.match_substring_regex(there, f"^{re.escape(screen.prefix(label))}[0-9]+$")
        others = pc.and_(named, pc.invert(pc.is_in(there, value_set=ids)))
        if n := pc.sum(others).as_py():
            raise InputError(
                f"{store.url} holds {n:,} nodes {label} of a load of another size that was cut off; give the options "
                "of that load, or load into a new file: --store ladybug://FILE"
            )
    for type_, ends in ((kind.type, ends) for kind, ends in schema.edge_tables()):
        if type_ in {key[0] for key in screen.expected()} and held[edge_count_key(type_, ends)]:
            text = (
                f"MATCH (:{ends[0]})-[r:{type_}]->(:{ends[1]}) WHERE r.dataset <> $name RETURN count(r) AS n"
            )
            if n := store.rows(text, {"name": screen.name})[0]["n"]:
                raise InputError(
                    f"{store.url} holds {n:,} edges {type_} of other data sets, which filling by blocks would replace; "
                    "load into a new file: --store ladybug://FILE"
                )


def _record(store: GraphStore, screen: LargeScreen, steps: Sequence[Step]) -> None:
    """Write the Dataset node and a line of the history."""
    card = screen.card
    counts = {edge_count_key(s.kind, s.ends): s.change.total for s in steps if s.ends is not None}
    row = {
        "id": card.id, "version": card.version, "source": card.source, "licence": card.licence,
        "citation": card.citation, "ingested_at": history.now(), "row_counts": json.dumps(counts, sort_keys=True),
    }  # fmt: skip
    table = pa.table({name: pa.array([value], pa.string()) for name, value in row.items()})
    store.upsert_nodes("Dataset", validate(schema.node("Dataset"), table))
    history.record(store, LOAD, [card.id], changes_by_kind(steps), source=card.source, version=card.version)
