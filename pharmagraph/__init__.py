"""A drug-response knowledge graph whose attention you can query: a screen in, a network trained, its attention asked.

What is named here is the library; `docs/library.md` shows it at work. Each name is imported when it is first used, so
that ``import pharmagraph`` loads neither torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pharmagraph import ingest
    from pharmagraph.evaluation import evaluate
    from pharmagraph.kg import errors
    from pharmagraph.kg.heterograph import Heterograph, export
    from pharmagraph.kg.store import GraphStore
    from pharmagraph.opening import open_store
    from pharmagraph.queries import query
    from pharmagraph.run import Run
    from pharmagraph.training import TrainedRun, train

__all__ = [
    "GraphStore",
    "Heterograph",
    "Run",
    "TrainedRun",
    "errors",
    "evaluate",
    "export",
    "ingest",
    "open_store",
    "query",
    "train",
]

_MODULES = {"errors": "pharmagraph.kg.errors", "ingest": "pharmagraph.ingest"}
_MODULE_OF = {
    "GraphStore": "pharmagraph.kg.store",
    "Heterograph": "pharmagraph.kg.heterograph",
    "Run": "pharmagraph.run",
    "TrainedRun": "pharmagraph.training",
    "evaluate": "pharmagraph.evaluation",
    "export": "pharmagraph.kg.heterograph",
    "open_store": "pharmagraph.opening",
    "query": "pharmagraph.queries",
    "train": "pharmagraph.training",
}

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there

    def __getattr__(name: str) -> Any:  # not kg.lazy_names: importing the package loads no other module
        if name in _MODULES:
            return import_module(_MODULES[name])
        if name in _MODULE_OF:
            return getattr(import_module(_MODULE_OF[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
