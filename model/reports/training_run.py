"""Shows a training run in the terminal: progress while networks are fitted, then figures and what is next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pharmagraph.kg.console import Format, next_command, note, print_rows

if TYPE_CHECKING:
    from pharmagraph.model.presets.config import Config
    from pharmagraph.model.runs.trained import Trained


PARTS = {
    "gaussian_process": "what was measured for similar drugs in similar cell lines (the Gaussian process)",
    "factors": "patterns that recur over the whole screen, tied to structure and expression (the factors)",
    "axial": "the cell line's responses to similar drugs, and the drug's in similar cell lines (axial attention)",
    "relational": "messages along the edges of the graph (the relational component)",
}
"""Component of the network → what it contributes to a prediction."""
_KINDS = {"Drug": "drugs", "Gene": "genes", "CellLine": "cell lines"}


def reporters(
    bar: Any, config: Config
) -> tuple[Callable[[int, int, float | None], None], Callable[[str], None]]:
    """What `train` tells of each epoch, and of each stage, onto a progress bar of `kg.console`.

    Parameters
    ----------
    bar
        From `kg.console.progress`.
    config
        The preset, which says how many networks and epochs there are.
    """
    members, epochs = config.training.members, config.training.epochs
    task = bar.add_task("reading the graph", total=epochs * members, note="")
    done = [0] * members

    def report(member: int, epoch: int, validation: float | None) -> None:
        done[member - 1] = epoch
        bar.update(task, completed=sum(done), description=f"training network {member} of {members}")
        if validation is not None:
            bar.update(task, note=f"validation {validation:.4f}")

    def stage(what: str) -> None:
        bar.update(task, description=what)

    return report, stage


def show(
    trained: Trained,
    config: Config,
    *,
    split: str,
    promoted: bool,
    store: str | None = None,
    quiet: bool,
    format: Format,
) -> None:
    """Print the figures on held-out pairs; unless ``quiet``, also what predictions are made of and the next command.

    ``store`` is the URL that was given, None for the default store.
    """
    title = (
        f"{trained.run_id}: {trained.n_training:,} training pairs, {trained.n_held_out:,} held out ({split})"
    )
    if trained.figures:
        rows = trained.figures
        if format is not Format.table:
            rows = [{"run": trained.run_id, **row} for row in rows]
        print_rows(rows, format, title=title)
    elif format is Format.table:
        print(f"{title}; no figures, because nothing was held out")
    else:
        print_rows([], format, columns=("run", "metric", "grouping", "model", "additive"))
    if quiet:
        return
    weights = trained.fitted.component_weights()
    if len(weights) > 1:
        note(about_parts(weights))
    if trained.through_genes is not None:
        note(about_genes(trained.through_genes))
    note(_about_gene_attention(trained.gene_attention, config.targets is not None))
    if trained.lacking:
        note(f"it was fitted without {', '.join(trained.lacking)}, because the graph has none")
    if trained.unused_attention:
        note(
            f"{_about_unused(list(trained.unused_attention))} no part in the predictions; the reason is in: "
            f"cli runs show {trained.run_id}"
        )
    note(f"run {trained.run_id} in {trained.folder}")
    following = "cli query top-genes drug=NAME" if promoted else f"cli runs promote {trained.run_id}"
    note(f"Next: {next_command(following, store)}")


def about_parts(weights: Mapping[str, float]) -> str:
    """What predictions are made of, in one sentence for a reader who does not know the network.

    Parameters
    ----------
    weights
        Component of the network → its weight in the prediction; they sum to 1.
    """
    parts = sorted(weights, key=lambda part: -weights[part])
    used = [part for part in parts if round(weights[part], 2)]
    unused = [PARTS[part] for part in parts if part not in used]
    said = "Predictions come " + ", ".join(f"{weights[part]:.0%} from {PARTS[part]}" for part in used)
    return said + (f"; nothing comes from {' or '.join(unused)}" if unused else "")


def about_genes(share: float) -> str:
    """How much of the predictions comes through single genes, in one sentence."""
    return (
        f"Of what sets cell lines apart for a drug, {share:.0%} comes through single genes, "
        "the rest through similar drugs and cell lines"
    )


def _about_unused(relations: list[str]) -> str:
    """The subject of a sentence on attention between kinds of nodes, given as ``CellLine→Gene``."""
    ends = [[_KINDS[kind] for kind in relation.split("→")] for relation in relations]
    listed = ", ".join(f"of {src} to {dst}" for src, dst in ends)
    return f"The attention {listed} has"


def _about_gene_attention(gene_attention: str, wanted: bool) -> str:
    """Where the attention of drugs to genes comes from, in one line."""
    if gene_attention == "targets":
        return "attention to genes is fitted to the known targets: those were given to it, not found by it"
    whose = "the response network's" if gene_attention == "network" else "absent"
    if wanted:
        return (
            f"attention to genes is {whose}: fewer than two drugs have known targets to learn from "
            "(cli ingest targets)"
        )
    return f"attention to genes is {whose}: the preset asks for none that is fitted to known targets"
