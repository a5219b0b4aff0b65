"""Reads files into validated tables and loads them into a store. It knows nothing of models."""
