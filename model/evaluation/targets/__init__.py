"""Evaluates how well held-out known targets are found, by simple predictors and by attention fitted to the others."""
