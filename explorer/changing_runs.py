"""Promotes and deletes runs for the explorer's pages, where `cli serve --allow-write` allows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from pharmagraph.explorer.access import add_writing
from pharmagraph.kg import runs
from pharmagraph.kg.errors import NotFoundError, PharmagraphError, StoreLockedError
from pharmagraph.kg.store import GraphStore, open_store

if TYPE_CHECKING:
    from flask import Flask, Response

PATIENCE = 15.0
"""Seconds that a change waits for pages that are reading."""
READS_ONLY = "this explorer only reads; start it anew with: cli serve --allow-write"

_one_at_a_time = Lock()


def register(server: Flask, store_url: str | None, *, allow_write: bool) -> None:
    """Add the routes, which refuse where writing is not allowed."""
    ways: dict[str, Callable[[GraphStore, str], Any]] = {"promote": runs.promote, "delete": runs.delete}
    for name, change in ways.items():
        view = _view(store_url, change) if allow_write else _refused
        add_writing(server, f"/runs/{name}", view)


def _refused() -> tuple[Response, int]:
    from flask import jsonify

    return jsonify({"error": READS_ONLY}), 403


def _view(
    store_url: str | None, change: Callable[[GraphStore, str], Any]
) -> Callable[[], tuple[Response, int]]:
    from flask import jsonify, request

    def view() -> tuple[Response, int]:
        given: Any = request.get_json(silent=True)
        given = given if isinstance(given, dict) else {}
        run = given.get("run")
        if not isinstance(run, str) or given.get("confirmed") != run:
            return jsonify({"error": "the run was not confirmed; nothing was changed"}), 400
        try:
            with _one_at_a_time, _writing(store_url) as graph:
                runs.find(graph, run)
                change(graph, run)
        except PharmagraphError as error:
            return jsonify({"error": str(error)}), 404 if isinstance(error, NotFoundError) else 409
        return jsonify({"run": run}), 200

    return view


@contextmanager
def _writing(store_url: str | None) -> Iterator[GraphStore]:
    """The store, open for writing as soon as no page of this process reads it."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            graph = open_store(store_url, create=False)
            break
        except StoreLockedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    with graph:
        yield graph
