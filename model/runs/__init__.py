"""Training runs: train one, save it in a folder and in the graph, load it, and predict with it.

Explanations of its predictions are in `explain`.
"""

from pharmagraph.model.runs.predictions import predict
from pharmagraph.model.runs.saved import load, load_graph, save
from pharmagraph.model.runs.trained import Trained, train

__all__ = ["Trained", "load", "load_graph", "predict", "save", "train"]
