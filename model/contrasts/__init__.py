"""Compares measured responses between two groups of cell lines: by tissue, mutation, microsatellites or a file."""
