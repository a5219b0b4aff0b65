"""What a run keeps so that predictions need no network: arrays in its folder, and the arithmetic that reads them.

A new drug or cell line adds a row of similarities; nothing is fitted or solved again, and torch is not loaded.
`model.runs.freeze` makes the arrays of a fitted ensemble.
"""

from pharmagraph.model.predictor.asked_for import Entity
from pharmagraph.model.predictor.features import Features
from pharmagraph.model.predictor.predictor import Predictor

__all__ = ["Entity", "Features", "Predictor"]
