"""The commands on the graph: `cli status`, `db`, `export`, `copy` and `runs`."""
