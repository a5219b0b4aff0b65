"""The replay of `cli suggest`: parses, calls one function for each seed, and prints what was learned."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from pharmagraph.kg.console import Format
from pharmagraph.model.presets.choices import Task


def replayed(
    store: str | None,
    dataset: str | None,
    known: str | None,
    slice_: str,
    size: tuple[int, int, int],
    task: Task,
    seeds: tuple[int, int],
    folder: Path | None,
    *,
    quiet: bool,
    format: Format,
) -> None:
    """Hide a data set in rounds; ``size`` is rounds, batch and start, ``seeds`` the first one and how many."""
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.heterograph import export
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.evaluation.hidden import hidden
    from pharmagraph.model.evaluation.replay import COMPARED, replay
    from pharmagraph.model.reports.replay_folder import keep, summary
    from pharmagraph.model.responses.measured import dataset_name

    drawn, (rounds, batch, start) = _size(slice_), size
    rows: list[dict[str, Any]] = []
    with open_store(store, read_only=True) as graph:
        wanted = None if dataset is None else [dataset, *([known] if known else [])]
        heterograph = export(graph, datasets=wanted)
        name = dataset or dataset_name(heterograph)
    with progress(quiet) as bar:
        bar_id = bar.add_task("replaying", total=seeds[1] * len(COMPARED) * (rounds + 1), note="")
        for seed in range(seeds[0], sum(seeds)):
            screen = hidden(heterograph, name, task, sizes=drawn, seed=seed, known=known)
            rows += replay(
                screen, COMPARED, rounds=rounds, batch=batch, start=start, seed=seed,
                report=lambda what: bar.update(bar_id, advance=1, note=what),
            )  # fmt: skip
    about = {
        "dataset": name, "known": known, "task": task, "slice": list(drawn) if drawn else None, "rounds": rounds,
        "batch": batch, "start": start,
    }  # fmt: skip
    if folder is not None:
        kept = keep(folder, about, rows, command=shlex.join(["cli", *sys.argv[1:]]))
        if not quiet:
            note(f"{len(rows):,} rows in {kept}")
    if format is not Format.table:
        print_rows(rows, format)
        return
    after = f" after {known}" if known else ""
    print_rows(summary(rows), title=f"{name}{after}: measurements for what random choice reaches at the end")
    if not quiet:
        where = folder if folder is not None else "FOLDER"
        again = "" if folder is not None else "keep the rows with --folder FOLDER, then "
        note(f"Next: {again}python -m pharmagraph.model.reports.suggest {where}")


def _size(text: str) -> tuple[int, int] | None:
    from pharmagraph.kg.errors import InputError

    if text == "all":
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise InputError(f'--slice "{text}" is not DRUGSxCELLS, such as 60x200, nor all')
    return int(parts[0]), int(parts[1])
