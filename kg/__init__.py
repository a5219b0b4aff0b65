"""The graph: its schema, stores, export, attention and runs."""
