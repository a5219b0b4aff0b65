"""`cli explain`: parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pharmagraph.kg.shown_names import Node
    from pharmagraph.model.explain.explanation import Explanation
    from pharmagraph.run import Run

_MOST_NULL = 1000
"""Random genes that may be asked for: each is another prediction."""

_NO_GENES = "the run has no attention to targets of it; next: cli ingest targets, then cli train"


def explain(
    drug: Annotated[str, typer.Option(help="Name, alias or id.", autocompletion=completion.drugs)],
    cell: Annotated[
        str | None, typer.Option(help="Cell line by name, alias or id.", autocompletion=completion.cell_lines)
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Run id; the promoted run when left out.", autocompletion=completion.runs),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="GENE=Z",
            help="What if the gene's expression there were z; needs --cell. Several: each alone, then all.",
        ),
    ] = None,
    silence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GENE",
            autocompletion=completion.genes,
            help="What if it were as low there as in any cell line; needs --cell.",
        ),
    ] = None,
    mutate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GENE",
            autocompletion=completion.genes,
            help="What if it were mutated there; needs --cell.",
        ),
    ] = None,
    untarget: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GENE",
            autocompletion=completion.genes,
            help="What if it were no known target of the drug; needs --cell.",
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GENE",
            autocompletion=completion.genes,
            help="What if it were one, a candidate gene; needs --cell.",
        ),
    ] = None,
    rank: Annotated[
        int,
        typer.Option(
            min=0,
            help="Silence so many of the genes the drug attends to, and rank them by effect; needs --cell.",
        ),
    ] = 0,
    null: Annotated[
        int,
        typer.Option(
            min=0, help="Random genes of like variance to compare --set, --silence and --rank with."
        ),
    ] = 0,
    truth: Annotated[
        Path | None,
        typer.Option(help="Compare --rank with measured effects of perturbing genes: columns gene, effect."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows of each kind.")] = 10,
    out: Annotated[
        Path | None, typer.Option(help="Write the graph of it: .graphml, .png, .svg or .pdf.")
    ] = None,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Explain a prediction by similar measurements, genes and paths; or predict it with a gene changed."""
    import json

    from pharmagraph import rows
    from pharmagraph.kg.console import note, print_rows
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.shown_names import shown
    from pharmagraph.kg.store import open_store
    from pharmagraph.run import Run

    asked = bool(set_ or silence or mutate or untarget or target)
    if truth is not None and not rank:
        raise InputError("--truth is compared with a ranking of genes: add --rank 20")
    if (asked or rank) and cell is None:
        raise InputError("a what-if needs a cell line: --cell NAME")
    if null and not (set_ or silence or rank):
        raise InputError("--null is compared with a change of expression: add --silence GENE or --rank 20")
    if null > _MOST_NULL:
        raise InputError(
            f"--null {null}: at most {_MOST_NULL:,} random genes, which resolve p of 0.001; give fewer"
        )
    if out is not None and (asked or rank):
        raise InputError(
            "--out draws an explanation, which a what-if has not; leave it out, or the changes of genes"
        )
    if asked and rank:
        raise InputError("--rank silences the genes itself; leave it out, or the changes of genes")
    with open_store(store, read_only=True) as graph:
        opened = Run.open(graph, run)
        if rank:
            assert cell is not None  # refused above
            _rank(opened, drug, cell, rank, null, truth, format)
            return
        if asked:
            from pharmagraph.model.explain.counterfactuals import parse_set

            assert cell is not None  # refused above
            found_rows = rows.what_if(
                opened, drug, cell, silence=silence or (), mutate=mutate or (), untarget=untarget or (),
                expression=[(c.gene, c.value) for c in map(parse_set, set_ or ()) if c.value is not None],
                target=target or (), n_null=null,
            )  # fmt: skip
            print_rows(found_rows, format, title=f"{drug} on {cell}, if")
            return
        found = opened.explain(drug, cell, limit=limit)
        names = shown(graph, found.nodes)
    if out is not None:
        from pharmagraph.model.explain.picture import write

        write(found, out, names)
        note(f"graph in {out}")
    if format is Format.json:
        print(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    elif format is Format.csv:
        print_rows(found.as_json()["genes"], format)
    else:
        _print(found, limit, names)


def _rank(
    run: Run, drug: str, cell: str, limit: int, n_null: int, truth: Path | None, format: Format
) -> None:
    from pharmagraph import rows
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.model.explain.counterfactuals import agreement

    genes = [row["gene"] for row in run.explain(drug, limit=limit).genes]
    with progress(format is not Format.table) as bar:
        task = bar.add_task("silencing", total=len(genes) + n_null, note="")
        ranked = rows.rank_genes(
            run, drug, cell, genes, n_null=n_null, truth=truth, seed=0,
            advance=lambda gene: bar.update(task, advance=1, note=gene),
        )  # fmt: skip
    print_rows(
        ranked,
        format,
        title=f"{drug} on {cell} without a gene: {len(ranked)} of {len(genes)} have expression",
    )
    if truth is not None:
        correlation, n = agreement(ranked)
        note(f"Spearman's correlation with {truth}: {correlation:.3f} over {n} genes")


def _part(row: dict[str, Any]) -> str:
    """The name of a part, of a gene with what the cell line has of it and what a unit of that adds."""
    if row["value"] is None:
        return str(row["part"])
    return f"{row['part']} {row['feature']} ({row['value']:.3g} × {row['effect']:.3g})"


def _print(found: Explanation, limit: int, names: Mapping[Node, str]) -> None:
    from pharmagraph.kg.console import print_bars, print_rows, print_text
    from pharmagraph.kg.shown_names import path_shown
    from pharmagraph.model.explain.explanation import LABELS

    about = drug = names["Drug", found.drug["id"]]
    if found.cell_line:
        cell_line = names["CellLine", found.cell_line["id"]]
        about = f"{drug} on {cell_line}"
        measured = found.prediction.get("measured", [])
        rows_of_pair: list[dict[str, Any]] = [
            {"what": f"predicted {k}", "value": v} for k, v in found.prediction.items() if k != "measured"
        ]
        for row in measured:
            value = f"{row['censored']} {row['ln_ic50']:.4g}" if row["censored"] else row["ln_ic50"]
            response = {1: "sensitive", 0: "resistant"}.get(row["response"], value)
            rows_of_pair.append({"what": f"measured, {row['dataset']}", "value": response})
        print_rows(rows_of_pair, title=f"{about}, run {found.run_id}")
    if found.contributions:
        unit = "logits of a sensitive response" if "probability" in found.prediction else "ln µmol/l"
        print_bars(
            [(_part(row), row["contribution"]) for row in found.contributions],
            title=f"What the prediction is the sum of, in {unit}",
        )
    columns = ["gene", "rank", "excess", "spread", "q", "stability", "publications", "known"]
    columns = [c for c in columns if any(row[c] is not None for row in found.genes)]
    print_rows(
        found.genes,
        columns=columns,
        title=f"Genes {drug} attends to as targets",
        empty=_NO_GENES,
    )
    if found.drivers and found.cell_line:
        more = f", {limit} of {len(found.drivers)}" if len(found.drivers) > limit else ""
        print_rows(
            found.drivers[:limit],
            columns=["gene", "kind", "target", "event"],
            title=f"Driver events of {cell_line}{more}",
        )
    for kind, rows in found.evidence.items():
        print_rows(
            [row | {"name": names[LABELS[kind], row["id"]]} for row in rows],
            columns=["name", "rank", "weight", "response", "ln_ic50"],
            title=kind.replace("_", " "),
            empty="the run has no attention of this kind for it; cli runs show RUN says what it has",
        )
    if found.paths:
        print_rows(
            [
                {
                    "path": path_shown([(s.src, s.type, s.dst) for s in p.steps], names),
                    "kind": p.kind, "share": p.share, "response": p.response,
                }
                for p in found.paths
            ],
            title="Paths",
        )  # fmt: skip
    for relation, reason in found.unused_attention.items():
        print_text(f"Attention {relation} has no part in the predictions of this run: {reason}.")
