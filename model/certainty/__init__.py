"""How sure predictions are: intervals with measured coverage, calibrated probabilities, and what is unlike training."""
