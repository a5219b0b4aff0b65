"""Evaluates whether known response genes are found again from training folds, and whether changing them in held-out
cell lines moves the prediction the right way."""
