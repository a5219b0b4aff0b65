"""The options of every export that choose a part of the graph, declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pharmagraph.kg import completion

Datasets = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset", help="Keep responses of this dataset; repeatable.", autocompletion=completion.datasets
    ),
]
Drugs = Annotated[
    list[str] | None,
    typer.Option("--drug", help="Keep this drug; repeatable.", autocompletion=completion.drugs),
]
Genes = Annotated[
    list[str] | None,
    typer.Option("--gene", help="Keep this gene; repeatable.", autocompletion=completion.genes),
]
Tissues = Annotated[
    list[str] | None,
    typer.Option(
        "--tissue", help="Keep cell lines of this tissue; repeatable.", autocompletion=completion.tissues
    ),
]
Around = Annotated[
    str | None,
    typer.Option(
        "--around",
        help="Keep what is near this drug, gene or cell line.",
        autocompletion=completion.drugs_genes_and_cell_lines,
    ),
]
Hops = Annotated[int, typer.Option("--hops", min=0, help="With --around: edges away from it at most.")]
Runs = Annotated[
    list[str] | None,
    typer.Option(
        "--run",
        help='Keep the results of this run; repeatable. "promoted" is the promoted one.',
        autocompletion=completion.runs,
    ),
]
_OPTIONS: dict[str, tuple[Any, Any]] = {
    "datasets": (Datasets, None),
    "drugs": (Drugs, None),
    "genes": (Genes, None),
    "tissues": (Tissues, None),
    "around": (Around, None),
    "hops": (Hops, 2),
    "runs": (Runs, None),
}


def choosing(*, runs: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that choose a part; it gets them as its argument ``choice``.

    Parameters
    ----------
    runs
        Whether there is an option for runs; what training reads holds no results of runs.
    """
    options = {name: option for name, option in _OPTIONS.items() if runs or name != "runs"}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            from pharmagraph.kg.subgraph import Choice

            chosen = {name: given.pop(name) for name in options}
            command(**given, choice=Choice(**chosen))

        # the class of choices is not loaded here, since `cli --help` would load it
        own = inspect.signature(command, eval_str=True, locals={"Choice": object}).parameters
        place, *others = (p for name, p in own.items() if name != "choice")
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in options.items()
        ]
        parameters = [place, *added, *others]
        run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
        keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        run.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate
