"""`cli explain`: parses, calls one function and prints its result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format

if TYPE_CHECKING:
    from pharmagraph.kg.store import GraphStore
    from pharmagraph.model.explain.explanation import Explanation


def explain(
    drug: Annotated[str, typer.Option(help="Name, alias or id.")],
    cell: Annotated[str | None, typer.Option(help="Cell line by name, alias or id.")] = None,
    run: Annotated[str | None, typer.Option(help="Run id; the promoted run when left out.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="GENE=Z", help="What if the gene's expression there were z; needs --cell."
        ),
    ] = None,
    silence: Annotated[
        list[str] | None,
        typer.Option(metavar="GENE", help="What if it were as low there as in any cell line; needs --cell."),
    ] = None,
    mutate: Annotated[
        list[str] | None, typer.Option(metavar="GENE", help="What if it were mutated there; needs --cell.")
    ] = None,
    untarget: Annotated[
        list[str] | None,
        typer.Option(metavar="GENE", help="What if it were no known target of the drug; needs --cell."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="GENE", help="What if it were one, a candidate gene; needs --cell."),
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
    """Why: a prediction, its nearest measured evidence, the genes looked at, the paths between; and what if."""
    import json

    from pharmagraph.kg import runs
    from pharmagraph.kg.console import note, print_rows
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.names import find_drug, find_node
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.explain.explanation import explain as explain_pair

    asked = bool(set_ or silence or mutate or untarget or target)
    if truth is not None and not rank:
        raise InputError("--truth is compared with a ranking of genes: add --rank 20")
    if (asked or rank) and cell is None:
        raise InputError("a what-if needs a cell line: --cell NAME")
    with open_store(store, read_only=True) as graph:
        of_drug = find_drug(graph, drug)
        of_cell = find_node(graph, "CellLine", cell) if cell is not None else None
        if rank:
            assert of_cell is not None  # refused above
            run_id = runs.find(graph, run)["id"]
            _rank(graph, of_drug, of_cell, run_id, rank, null, truth, format)
            return
        if asked:
            folder = Path(runs.find(graph, run)["folder"] or "")
            genes = [
                find_node(graph, "Gene", _gene(text))["id"]
                for text in _texts(set_, silence, mutate, untarget, target)
            ]
        else:
            found = explain_pair(graph, of_drug, of_cell, run_id=run, limit=limit)
    if asked:
        from pharmagraph.model.explain.counterfactuals import parse_set, what_if
        from pharmagraph.model.inputs.edits import Change

        values = [parse_set(text).value for text in set_ or []]
        kinds = [("expression", v) for v in values] + [("expression", None)] * len(silence or [])
        kinds += [("mutation", 1.0)] * len(mutate or []) + [("target", 0.0)] * len(untarget or [])
        kinds += [("target", 1.0)] * len(target or [])
        changes = [Change(gene, kind, value) for gene, (kind, value) in zip(genes, kinds, strict=True)]  # type: ignore[arg-type]
        assert of_cell is not None  # refused above
        rows = what_if(folder, of_drug["id"], of_cell["id"], changes, n_null=null)
        print_rows(rows, format, title=f"{of_drug['name']} on {of_cell['name']}, if")
        return
    if out is not None:
        from pharmagraph.model.explain.picture import write

        write(found, out)
        note(f"graph in {out}")
    if format is Format.json:
        print(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    elif format is Format.csv:
        print_rows(found.as_json()["genes"], format)
    else:
        _print(found)


def _rank(
    store: GraphStore,
    drug: Mapping[str, Any],
    cell_line: Mapping[str, Any],
    run_id: str,
    limit: int,
    n_null: int,
    truth: Path | None,
    format: Format,
) -> None:
    from pharmagraph.kg import runs
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.model.explain import counterfactuals
    from pharmagraph.model.explain.explanation import explain as explain_pair

    genes = [row["gene"] for row in explain_pair(store, drug, run_id=run_id, limit=limit).genes]
    effects = counterfactuals.read_effects(truth, genes) if truth is not None else None
    folder = Path(runs.find(store, run_id)["folder"] or "")
    with progress(format is not Format.table) as bar:
        task = bar.add_task("silencing", total=len(genes) + n_null, note="")
        rows = counterfactuals.rank_genes(
            folder, drug["id"], cell_line["id"], genes, n_null=n_null, truth=effects,
            advance=lambda gene: bar.update(task, advance=1, note=gene),
        )  # fmt: skip
    title = (
        f"{drug['name']} on {cell_line['name']} without a gene: {len(rows)} of {len(genes)} have expression"
    )
    print_rows(rows, format, title=title)
    if effects is not None:
        correlation, n = counterfactuals.agreement(rows)
        note(f"Spearman's correlation with {truth}: {correlation:.3f} over {n} genes")


def _texts(*options: list[str] | None) -> list[str]:
    return [text for option in options for text in option or []]


def _gene(text: str) -> str:
    return text.partition("=")[0].strip()


def _print(found: Explanation) -> None:
    from pharmagraph.kg.console import print_rows

    about = found.drug["name"] + (f" on {found.cell_line['name']}" if found.cell_line else "")
    if found.cell_line:
        measured = found.prediction.get("measured", [])
        said: list[dict[str, Any]] = [
            {"what": f"predicted {k}", "value": v} for k, v in found.prediction.items() if k != "measured"
        ]
        for row in measured:
            response = {1: "sensitive", 0: "resistant"}.get(row["response"], row["ln_ic50"])
            said.append({"what": f"measured, {row['dataset']}", "value": response})
        print_rows(said, title=f"{about}, run {found.run_id}")
    columns = ["gene", "rank", "excess", "spread", "q", "stability", "publications", "known"]
    columns = [c for c in columns if any(row[c] is not None for row in found.genes)]
    print_rows(found.genes, columns=columns, title=f"Genes {found.drug['name']} attends to")
    for kind, rows in found.evidence.items():
        print_rows(
            rows, columns=["name", "rank", "weight", "response", "ln_ic50"], title=kind.replace("_", " ")
        )
    if found.paths:
        print_rows(
            [{"path": p.text, "kind": p.kind, "share": p.share, "response": p.response} for p in found.paths],
            title="Paths",
        )
