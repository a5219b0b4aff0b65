"""A training run: made, kept in a folder and the graph, loaded, and asked for predictions.

Why a prediction is what it is belongs to `explain`.
"""

from pharmagraph.model.runs.predictions import predict
from pharmagraph.model.runs.saved import load, load_graph, save
from pharmagraph.model.runs.trained import Trained, train

__all__ = ["Trained", "load", "load_graph", "predict", "save", "train"]
