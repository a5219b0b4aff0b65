"""The part of the schema that remembers loads and removals: the node kind Ingest. `kg.history` writes its nodes."""

from __future__ import annotations

from pharmagraph.kg.kinds import NodeKind, Property

ACTIONS = LOAD, REMOVE = ("load", "remove")

INGEST = NodeKind(
    "Ingest",
    "A load or a removal that changed the graph; it stays when its datasets go.",
    (
        Property("at", "string", "ISO 8601 time of its end", required=True),
        Property("action", "string", "what was done", required=True, choices=ACTIONS),
        Property("datasets", "strings", "ids of the Datasets that were loaded or removed", required=True),
        Property("source", "string", "files or packages that were read"),
        Property("version", "string", "version of the source"),
        Property("sha256", "string", "checksum of the input"),
        Property("program", "string", "commit and state of the code, or its version", required=True),
        Property(
            "changes",
            "string",
            "numbers of rows for each kind that changed: inserted, updated, removed, gone; as JSON",
            required=True,
        ),
        Property(
            "alone",
            "strings",
            "nodes that it brought and joined to nothing, as LABEL:ID; they are the datasets' own",
        ),
    ),
    in_views=False,
)
