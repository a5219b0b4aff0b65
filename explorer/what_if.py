"""Answers the sliders of the page about a pair: the run is read once, then one question after the other asked."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pharmagraph.explorer.access import add_writing
from pharmagraph.kg import run_register
from pharmagraph.kg.errors import PharmagraphError
from pharmagraph.kg.store import open_store
from pharmagraph.model.explain.counterfactuals import OpenPair
from pharmagraph.model.inputs.changes import LARGEST, Change

if TYPE_CHECKING:
    from flask import Flask, Response


MOST = 40
"""Changes that are asked for together; a page has fewer sliders."""


class OneChange(BaseModel):
    """What a slider stands at."""

    model_config = ConfigDict(extra="forbid")
    gene: str
    mutated: bool = False
    z: float = Field(default=0.0, ge=-LARGEST, le=LARGEST)

    def as_change(self) -> Change:
        """As predictions take it."""
        return Change(self.gene, "mutation", 1.0) if self.mutated else Change(self.gene, "expression", self.z)


class Asked(BaseModel):
    """What sliders ask together; ids, as the page has them."""

    model_config = ConfigDict(extra="forbid")
    run: str
    drug: str
    cell_line: str
    changes: list[OneChange] = Field(min_length=1, max_length=MOST)


class Pairs:
    """The pair that was asked about last, kept open.

    Parameters
    ----------
    store_url
        As `open_store` takes it; the run's folder is looked up there once for each pair.
    """

    def __init__(self, store_url: str | None) -> None:
        self._url, self._lock = store_url, Lock()
        self._key: tuple[str, ...] = ()
        self._pair: OpenPair | None = None

    def answer(self, asked: Asked) -> dict[str, Any]:
        """The prediction before and after the changes, as a row of `counterfactuals.what_if`."""
        key = (asked.run, asked.drug, asked.cell_line)
        with self._lock:
            if self._pair is None or self._key != key:
                with open_store(self._url, read_only=True) as graph:
                    folder = Path(run_register.find(graph, asked.run)["folder"] or "")
                self._pair, self._key = OpenPair(folder, asked.drug, asked.cell_line), key
            return self._pair.changed([one.as_change() for one in asked.changes])


def register(server: Flask, store_url: str | None) -> None:
    """Add the route to the explorer's server."""
    from flask import jsonify, request

    pairs = Pairs(store_url)

    def view() -> tuple[Response, int]:
        try:
            return jsonify(pairs.answer(Asked.model_validate(request.get_json(silent=True)))), 200
        except ValidationError as error:
            first = error.errors()[0]
            return jsonify({"error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}), 400
        except PharmagraphError as error:
            return jsonify({"error": str(error)}), 400

    add_writing(server, "/what-if", view)  # it changes nothing, but it computes
