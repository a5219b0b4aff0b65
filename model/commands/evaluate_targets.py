"""`cli evaluate-targets`: parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format
from pharmagraph.model.presets.choices import Holdout


def evaluate_targets(
    holdout: Annotated[
        Holdout,
        typer.Option(help="Hold out pairs (structure twins together, or not), whole drugs, or whole genes."),
    ] = Holdout.pair,
    models: Annotated[
        str | None,
        typer.Option(help="Scorers, with commas; the first is tested against the others. All when left out."),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Every known target is held out in one of them.")] = 5,
    only: Annotated[
        list[int] | None,
        typer.Option("--fold", min=0, help="Do this fold alone, counted from 0; may be repeated."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Keep finished folds in this file; the same command again goes on from there."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Find the pairs of this file instead: columns drug, gene, and active (0 or 1) or affinity (nmol/l)."
        ),
    ] = None,
    active_below: Annotated[
        float, typer.Option(help="nmol/l: affinities of --truth at or below it count as active.")
    ] = 1000.0,
    genes: Annotated[
        int,
        typer.Option(
            min=0, help="Genes that are candidates for their expression alone, by expression signal."
        ),
    ] = 6000,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            help="Responses of this dataset; may be repeated. All when left out.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same folds and same fit.")] = 0,
    members: Annotated[int, typer.Option(min=1, help="Networks whose attention is averaged.")] = 3,
    out: Annotated[Path | None, typer.Option(help="Write the rows of every fold to this JSON file.")] = None,
    store: Store = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Hide known targets and look for them: attention beside every simple predictor."""
    import json

    from pharmagraph.kg import folders
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.errors import ModelError
    from pharmagraph.kg.heterograph import export
    from pharmagraph.kg.names import index
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.evaluation.targets import figures as evaluation
    from pharmagraph.model.evaluation.targets.truth import read_truth
    from pharmagraph.model.targets.fitting import Settings
    from pharmagraph.model.targets.problem import target_problem

    if only and max(only) >= folds:
        raise ModelError(f"--fold {max(only)} is not among {folds} folds, which are counted from 0")
    if out is not None:
        folders.require_file(out)
    chosen = [m.strip() for m in models.split(",") if m.strip()] if models else list(evaluation.MODELS)
    with open_store(store, read_only=True) as graph:
        heterograph = export(graph, datasets=dataset)
        drug_names, gene_names = index(graph, "Drug"), index(graph, "Gene")
    problem = target_problem(heterograph, n_expressed=genes)
    given = None
    if truth is not None:
        given = read_truth(
            truth, drugs=list(problem.drugs), names=drug_names, genes=list(problem.evidence.symbols),
            gene_names=gene_names, active_below=active_below,
        )  # fmt: skip
        if not quiet:
            note(f"{truth}: {given.n_shared:,} of {given.n_rows:,} rows are of the graph's drugs and genes")
    with progress(quiet) as bar:
        task = bar.add_task(
            "evaluating", total=len(chosen) * (1 if given else len(only or range(folds))), note=""
        )

        def report(what: str) -> None:
            bar.update(task, advance=1, note=what)

        rows = evaluation.evaluate_targets(
            problem, chosen, holdout=holdout, n_folds=folds, seed=seed,
            settings=Settings(members=members), truth=given, only=only, finished=resume, report=report,
        )  # fmt: skip
    if out is not None:
        with folders.whole(out) as place:
            place.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        if not quiet:
            note(f"{len(rows):,} rows in {out}")
    if problem.evidence.lacking and not quiet:
        note(f"without {', '.join(problem.evidence.lacking)}: the graph has none")
    if format is Format.table:
        known = problem.known
        title = f"{problem.dataset}, {rows[0]['split']}: {known.sum():,} known targets of {known.any(1).sum():,} drugs"
        print_rows(evaluation.summary(rows), format, title=f"{title} among {known.shape[1]:,} genes")
    else:
        print_rows(rows, format)
