"""What a run's predictions and counterfactuals are, as rows: `Run` makes DataFrames of them, and commands print them.

Commands do without pandas, which takes longer to load than a prediction takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pharmagraph.kg import arguments
from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.names import find_drug, find_node, fold, index
from pharmagraph.kg.reading.table import Table
from pharmagraph.kg.store import GraphStore

if TYPE_CHECKING:
    from pharmagraph.kg import runs
    from pharmagraph.model.explain.explanation import Explanation
    from pharmagraph.model.runs.many import Predicted

Rows = list[dict[str, Any]]


class Run(Protocol):
    """What is asked of a `pharmagraph.Run` here."""

    @property
    def store(self) -> GraphStore: ...

    @property
    def id(self) -> str: ...

    @property
    def folder(self) -> Path: ...


def predict(
    run: Run,
    drugs: Any = None,
    cell_lines: Any = None,
    *,
    smiles: Any = None,
    pilot: Any = None,
    note: Callable[[str], None],
    limit: int | None = None,
    device: str = "auto",
    level: float | None = None,
    at_least: float | None = None,
    tissue: str | None = None,
) -> Rows:
    """Rows of `Run.predict`; of a tissue, where cell lines are not given, only its own."""
    from pharmagraph.model.runs.predictions import predict

    return predict(
        run.folder,
        **_asked(run, drugs, cell_lines, smiles, note),
        within=of_tissue(run.store, tissue) if tissue is not None else None,
        pilot=_pilot(pilot) if pilot is not None else None,
        limit=arguments.whole_number("limit", limit, least=1) if limit is not None else None,
        device=arguments.device(device),
        level=arguments.number("level", level) if level is not None else None,
        at_least=arguments.number("at_least", at_least) if at_least is not None else None,
    )


def predict_many(
    run: Run,
    drugs: Any = None,
    cell_lines: Any = None,
    *,
    smiles: Any = None,
    drugs_file: Path | None = None,
    cell_lines_file: Path | None = None,
    pairs_file: Path | None = None,
    tissue: str | None = None,
    reject_rows: bool = False,
    note: Callable[[str], None],
    top: int | None = None,
    device: str = "auto",
    level: float | None = None,
    at_least: float | None = None,
    intervals: bool = True,
) -> Predicted:
    """Predictions of files of drugs, cell lines or pairs, or of all pairs, as tables (`model.runs.many`)."""
    from pharmagraph.model.runs.many import Wanted, predict_many

    asked = _asked(run, drugs, cell_lines, smiles, note)
    wanted = Wanted(
        asked.pop("drugs"), asked.pop("cell_lines"), asked.pop("smiles"), drugs_file, cell_lines_file, pairs_file,
        of_tissue(run.store, tissue) if tissue is not None else None, reject_rows,
    )  # fmt: skip
    return predict_many(
        run.folder, wanted, **asked, top=top, device=arguments.device(device), level=level, at_least=at_least,
        intervals=intervals,
    )  # fmt: skip


def of_tissue(store: GraphStore, tissue: str) -> set[str]:
    """Ids of the cell lines of a tissue, which goes by its name in any case.

    Raises
    ------
    NotFoundError
        If no cell line of the store is of such a tissue.
    """
    lines = store.node_rows("CellLine", ["id", "tissue"])
    tissues = sorted({line["tissue"] for line in lines if line["tissue"]})
    same = [one for one in tissues if one == tissue] or [one for one in tissues if fold(one) == fold(tissue)]
    if not same:
        raise NotFoundError("tissue", tissue, tissues, "see: cli query tissues")
    return {line["id"] for line in lines if line["tissue"] in same}


def suggest_pilots(
    run: Run,
    n: int,
    drugs: Any = None,
    cell_lines: Any = None,
    *,
    smiles: Any = None,
    note: Callable[[str], None],
) -> Rows:
    """Rows of `Run.suggest_pilots`."""
    from pharmagraph.model.runs.predictions import suggest_pilots

    n = arguments.whole_number("n", n, least=1)
    return suggest_pilots(run.folder, n, **_asked(run, drugs, cell_lines, smiles, note))


def _asked(run: Run, drugs: Any, cell_lines: Any, smiles: Any, note: Callable[[str], None]) -> dict[str, Any]:
    """The checked arguments that `predict` and `suggest_pilots` share."""
    arguments.function("note", note)
    return {
        "drugs": arguments.texts("drugs", drugs) if drugs is not None else None,
        "cell_lines": arguments.names_numbers_or_tables("cell_lines", cell_lines, ("gene", "z"))
        if cell_lines is not None
        else None,
        "smiles": arguments.texts("smiles", smiles) if smiles is not None else None,
        "note": note,
        "drug_names": index(run.store, "Drug"),
        "cell_line_names": index(run.store, "CellLine"),
        "gene_names": lambda: index(run.store, "Gene"),
    }


def _pilot(pilot: Any) -> Table:
    """A file or a DataFrame of pilots as a table."""
    if hasattr(pilot, "columns") and hasattr(pilot, "itertuples"):
        return Table.of_frame("pilot", pilot)
    path = Path(arguments.path("pilot", pilot))
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file; give measured responses with the columns cell_line and ln_ic50"
        )
    return Table.of_file(path)


def explain(run: Run, drug: str, cell_line: str | None, *, limit: int) -> Explanation:
    """As `Run.explain`."""
    from dataclasses import replace

    from pharmagraph.model.explain import explanation
    from pharmagraph.model.explain.contributions import contributions

    limit = arguments.whole_number("limit", limit, least=1)
    node = find_drug(run.store, arguments.text("drug", drug))
    other = (
        find_node(run.store, "CellLine", arguments.text("cell_line", cell_line))
        if cell_line is not None
        else None
    )
    found = explanation.explain(run.store, node, other, run_id=run.id, limit=limit)
    if other is None or not run.folder.is_dir():
        return found
    return replace(found, contributions=contributions(run.folder, node["id"], other["id"], limit=limit) or [])


def what_if(
    run: Run,
    drug: str,
    cell_line: str,
    *,
    expression: Mapping[str, float] | Iterable[tuple[str, float]] = (),
    silence: str | Sequence[str] = (),
    mutate: str | Sequence[str] = (),
    untarget: str | Sequence[str] = (),
    target: str | Sequence[str] = (),
    n_null: int = 0,
    seed: int = 0,
) -> Rows:
    """Rows of `Run.what_if`."""
    from pharmagraph.model.explain.counterfactuals import what_if
    from pharmagraph.model.inputs.changes import Change

    drug_id, cell_line_id = _pair(run.store, drug, cell_line)
    pairs = arguments.pairs_of_numbers("expression", expression, ("gene", "z"))
    ids = _gene_ids(run.store, [name for name, _ in pairs])
    changes = [Change(gene, "expression", z) for gene, (_, z) in zip(ids, pairs, strict=True)]
    changes += [Change(gene, "expression", None) for gene in _genes(run.store, "silence", silence)]
    changes += [Change(gene, "mutation", 1.0) for gene in _genes(run.store, "mutate", mutate)]
    changes += [Change(gene, "target", 0.0) for gene in _genes(run.store, "untarget", untarget)]
    changes += [Change(gene, "target", 1.0) for gene in _genes(run.store, "target", target)]
    if not changes:
        raise InputError("nothing is changed; give expression, silence, mutate, untarget or target")
    return what_if(
        run.folder, drug_id, cell_line_id, changes, seed=arguments.seed(seed),
        n_null=arguments.whole_number("n_null", n_null, least=0),
    )  # fmt: skip


def rank_genes(
    run: Run,
    drug: str,
    cell_line: str,
    genes: Sequence[str] | None = None,
    *,
    n_null: int,
    truth: Any,
    seed: int,
    advance: runs.Advance,
) -> Rows:
    """Rows of `Run.rank_genes`."""
    from pharmagraph.model.explain.counterfactuals import rank_genes, read_effects

    if genes is None:
        symbols = [row["gene"] for row in explain(run, drug, None, limit=20).genes]
    else:
        symbols = _genes(run.store, "genes", genes)
    effects: Mapping[str, float] | None = None
    if isinstance(truth, (str, PathLike)):
        effects = read_effects(Path(truth), symbols, index(run.store, "Gene"))
    elif truth is not None:
        effects = arguments.numbers_by_name("truth", truth, ("gene", "effect"))
    drug_id, cell_line_id = _pair(run.store, drug, cell_line)
    return rank_genes(
        run.folder, drug_id, cell_line_id, symbols, truth=effects, seed=arguments.seed(seed), advance=advance,
        n_null=arguments.whole_number("n_null", n_null, least=0),
    )  # fmt: skip


def _pair(store: GraphStore, drug: str, cell_line: str) -> tuple[str, str]:
    node = find_drug(store, arguments.text("drug", drug))
    return node["id"], find_node(store, "CellLine", arguments.text("cell_line", cell_line))["id"]


def _genes(store: GraphStore, argument: str, names: str | Sequence[str]) -> list[str]:
    none = isinstance(names, Sequence) and not len(names)
    return [] if none else _gene_ids(store, arguments.texts(argument, names))


def _gene_ids(store: GraphStore, names: Sequence[str]) -> list[str]:
    known = index(store, "Gene") if names else None  # read once, not for each name
    return [known.require(name) for name in names] if known else []
