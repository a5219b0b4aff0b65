"""Training runs: train one, save it in a folder and in the graph, load it, and predict with it.

Explanations of its predictions are in `explain`. The names below that load torch do so when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.model.runs.predictions import predict
    from pharmagraph.model.runs.saved import load, load_graph, save
    from pharmagraph.model.runs.trained import Trained, train

__all__ = ["Trained", "load", "load_graph", "predict", "save", "train"]

_MODULES = {
    "predictions": ("predict",),
    "saved": ("load", "load_graph", "save"),
    "trained": ("Trained", "train"),
}

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(
        __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
    )
