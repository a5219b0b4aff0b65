"""`cli` alone: what the store here holds, and what to do next."""

from __future__ import annotations

BEGINNINGS = (
    ("cli demo", "the whole loop on public data, some minutes"),
    ("cli ingest tables FOLDER", "a screen of your own; add --init to have its files explained"),
    ("cli ingest synthetic", "a made-up screen, in seconds"),
)
"""Ways to a first graph, and what each is."""


def tell() -> None:
    """Print a few lines on the store that commands use here, or how to make one."""
    from pharmagraph.kg import run_register
    from pharmagraph.kg.errors import StoreError
    from pharmagraph.kg.health import health
    from pharmagraph.kg.store import open_store

    print("pharmagraph: a drug-response knowledge graph whose attention you can query.\n")
    try:
        with open_store(None, read_only=True) as graph:
            counts = graph.counts()
            datasets = graph.node_rows("Dataset", ["id"])
            runs = run_register.runs(graph)
            condition = health(graph, counts, datasets, runs)
            url = graph.url
    except StoreError as error:
        print(f"{error}\n")
        for command, about in BEGINNINGS:
            print(f"  {command:<26}{about}")
    else:
        numbers = {
            "drugs": "Drug",
            "genes": "Gene",
            "cell lines": "CellLine",
            "responses": "Drug-TESTED_ON-CellLine",
        }
        held = [f"{counts.get(kind, 0):,} {name}" for name, kind in numbers.items()]
        print(f"{url}: {', '.join(held)}, {len(runs)} run{'s' * (len(runs) != 1)}")
        print(condition)
    print("\nAll commands: cli --help")
