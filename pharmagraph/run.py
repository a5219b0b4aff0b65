"""A training run, opened from a store: its predictions, explanations, attention and reports.

It finds nodes by name and makes DataFrames from what other packages compute; it computes nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pharmagraph import rows
from pharmagraph.kg import arguments, folders
from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.names import find_drug, fold
from pharmagraph.kg.run_register import Advance, find, silent
from pharmagraph.kg.store import GraphStore
from pharmagraph.predictions import File, Numbers, Predictions

if TYPE_CHECKING:
    import pandas as pd

    from pharmagraph.model.explain.explanation import Explanation


@dataclass(frozen=True)
class Run(Predictions):
    """A training run that is registered in a store, and the folder that has its network.

    Its methods raise TypeError or InputError where an argument is of another type, out of its range or a DataFrame
    without the columns (the argument is named), NotFoundError for a drug, cell line or gene that the store does not
    have, AmbiguousNameError for a name that several have, StoreError where the store is closed, and ModelError where
    the run's folder is gone, or its graph has no such node. Drugs, cell lines and genes go by name, alias or id.

    Attributes
    ----------
    store
        The store in which the run is registered; it has to be open when a method is called.
    id
        Name of the run.
    folder
        Folder with the weights, the graph and the attention of every edge.
    about
        The run's row in the register: ``preset``, ``config``, ``seed``, ``metrics``, ``datasets``, ``promoted`` …
    """

    @classmethod
    def open(cls, store: GraphStore, run_id: str | None = None) -> Run:
        """The run of an id, or the promoted one; NotFoundError where there is none."""
        arguments.require_store(store)
        row = find(store, arguments.text("run_id", run_id) if run_id is not None else None)
        return Run(store, row["id"], Path(row["folder"] or ""), row)

    @property
    def figures(self) -> pd.DataFrame:
        """Held-out figures: ``metric``, ``grouping``, ``model`` (value of the network), ``additive`` (of the baseline).

        Empty when nothing was held out; rmse is in ln µmol/l, the others have no unit.
        """
        import pandas as pd

        metrics = self.about["metrics"]
        ours = [name for name in metrics if not name.startswith("additive ")]
        rows = [(*name.rsplit(" ", 1), metrics[name], metrics.get(f"additive {name}")) for name in ours]
        return pd.DataFrame(rows, columns=["metric", "grouping", "model", "additive"])

    def promote(self, *, advance: Advance = silent) -> dict[str, int]:
        """Set the run's attention on the edges that it used, so that queries use it; returns how many of each kind."""
        arguments.function("advance", advance)
        from pharmagraph.kg import runs

        return runs.promote(self.store, self.id, advance=advance)

    def explain(self, drug: str, cell_line: str | None = None, *, limit: int = 10) -> Explanation:
        """Why: the sum that a prediction is, the genes that a drug attends to, measured evidence, paths to a cell line.

        It reads the store, and for the sum the run's folder; without the folder it leaves the sum out.

        Parameters
        ----------
        limit
            Rows of each kind.

        Raises
        ------
        ModelError
            If the run keeps no attention of the drug.
        """
        return rows.explain(self, drug, cell_line, limit=limit)

    def attention(
        self,
        source: Literal["Drug", "CellLine"] = "Drug",
        target: Literal["Gene", "CellLine", "Drug"] = "Gene",
        limit: int | None = None,
    ) -> pd.DataFrame:
        """The attention of every edge between two kinds of nodes, from the run's folder.

        Parameters
        ----------
        source, target
            Kind of the node that attends, and of the nodes that it attends to: Drug–Gene, CellLine–Gene,
            Drug–CellLine, Drug–Drug or CellLine–CellLine.
        limit
            Edges of each source and objective, the most attended first; all unless given.

        Returns
        -------
        pandas.DataFrame
            ``src``, ``dst`` (ids), ``weight`` in [0, 1], ``rank`` (1 is the source's most attended), ``percentile``
            (% of the edges with less weight), ``excess`` (weight times the number of edges it competes with: 1 is no
            preference), and, where the run has them, ``spread`` (standard deviation over the run's networks),
            ``stability`` (in [0, 1]) and ``q``. Of genes also ``objective`` (``target`` or ``response``; rank and
            percentile are within it), ``feature`` and ``effect`` (of ``response``, as ``docs/schema.md`` says).
            Ordered by source, then objective, then rank.

        Raises
        ------
        ModelError
            If the run's network has no such edges.
        """
        from pharmagraph.kg import attention, runs

        from_ = arguments.one_of("source", source, sorted({ends[0] for ends in attention.BASE_EDGES}))
        to = arguments.one_of(
            "target", target, [ends[1] for ends in attention.BASE_EDGES if ends[0] == from_]
        )
        kept = arguments.whole_number("limit", limit, least=1) if limit is not None else None
        table = runs.attention_of(self.store, self.about).get((from_, to))
        if table is None:
            raise ModelError(
                f"run {self.id} has no attention of {from_} to {to}; its network has no such edges"
            )
        found = attention.scores(table).to_pandas()
        return found[found["rank"] <= (kept or len(found))].reset_index(drop=True)

    def what_if(
        self,
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
    ) -> pd.DataFrame:
        """Predict a drug on a cell line before and after each change of a gene, and after all of them together.

        Parameters
        ----------
        expression
            Gene → z in the cell line, in standard deviations.
        silence
            Genes whose expression is set to the lowest of any cell line.
        mutate
            Genes that are mutated in the cell line.
        untarget, target
            Genes that are no known target of the drug, or are one.
        n_null
            Random genes of like variance that get the same change of expression; 0 for none.
        seed
            Seed of the random genes.

        Returns
        -------
        pandas.DataFrame
            A row a change, each from the graph as it is, and where there are several of different genes, a last one
            for all together: ``change``, ``before``, ``after``, ``difference`` (probability, or ln IC50 in ln µmol/l);
            with ``n_null`` also ``null_mean`` and ``null_p``, the share of random changes at least as large.
        """
        import pandas as pd

        changed = rows.what_if(
            self, drug, cell_line, expression=expression, silence=silence, mutate=mutate, untarget=untarget,
            target=target, n_null=n_null, seed=seed,
        )  # fmt: skip
        return pd.DataFrame(changed)

    def rank_genes(
        self,
        drug: str,
        cell_line: str,
        genes: Sequence[str] | None = None,
        *,
        n_null: int = 20,
        truth: Numbers | File | None = None,
        seed: int = 0,
        advance: Advance = silent,
    ) -> pd.DataFrame:
        """Silence genes one by one in a cell line, and rank them by what that does to the drug's prediction.

        Parameters
        ----------
        genes
            Symbols; the 20 that the drug attends to most unless given. Those without expression are left out.
        n_null
            Random genes of like variance that are silenced, too.
        truth
            What perturbing a gene did in the cell line: a mapping or Series by symbol, or a DataFrame or a file with
            the columns ``gene`` and ``effect``.
        seed
            As in `what_if`.
        advance
            Called with each gene.

        Returns
        -------
        pandas.DataFrame
            ``gene``, ``difference`` (probability, or ln IC50 in ln µmol/l), ``null_p`` (share of the random genes with
            a change at least as large), and ``truth`` where one is given; the largest change first.

        Raises
        ------
        ModelError
            If none of the genes has expression in the run's graph.
        """
        import pandas as pd

        ranked = rows.rank_genes(
            self, drug, cell_line, genes, n_null=n_null, truth=truth, seed=seed, advance=advance
        )
        return pd.DataFrame(ranked)

    def faithfulness(
        self, edges: int | Sequence[int] = (1, 5, 20), *, seed: int = 0, advance: Advance = silent
    ) -> pd.DataFrame:
        """Whether attention is what predictions use: edges taken away, or alone left, by several rankings.

        Parameters
        ----------
        edges
            Edges of each node that are removed, or alone left.
        seed
            Seed of the random edges, signs and weights.
        advance
            Called with each ranking.

        Returns
        -------
        pandas.DataFrame
            ``relation``, ``ranking``, ``edges`` (a node), ``deletion`` and ``insertion`` (mean absolute change of the
            logit), ``deletion_ratio`` and ``insertion_ratio`` (over those of random edges; a large and a small one are
            faithful), ``agreement`` (Spearman's correlation with attention).
        """
        import pandas as pd

        from pharmagraph.kg import attention, runs
        from pharmagraph.model.explain.faithfulness.measure import faithfulness

        wanted = edges if isinstance(edges, Sequence) else [edges]
        counts = [arguments.whole_number("edges", n, least=1) for n in wanted]
        if not counts:
            raise InputError("edges is empty; give numbers from 1, such as (1, 5, 20)")
        attends = runs.attention_of(self.store, self.about).get(("Drug", "Gene"))
        given = None
        if attends is not None and self.about["gene_attention"] == "targets":
            given = attention.of_objective(attends, "target")
        return pd.DataFrame(
            faithfulness(self.folder, given, counts=counts, seed=arguments.seed(seed), advance=advance)
        )

    def report(
        self, path: File | None = None, *, drug: str | None = None, faithfulness: bool = False
    ) -> Path:
        """Write a self-contained HTML page about the run, or about a drug in it; it opens without a network.

        Parameters
        ----------
        path
            File to write; named after the drug or the run, in the working folder, unless given.
        drug
            By name, alias or id: a page about it.
        faithfulness
            On a run's page, what predictions lose with the genes attended to.

        Returns
        -------
        Path
            The file.
        """
        from pharmagraph.model.reports.html import drug_report, run_report

        file = Path(arguments.path("path", path)) if path is not None else None
        if drug is not None:
            node = find_drug(self.store, arguments.text("drug", drug))
            name = folders.file_name(fold(str(node["name"])).lower(), str(node["id"]).lower())
            page = drug_report(self.store, node, run_id=self.id)
        else:
            curve = None
            if faithfulness:
                from pharmagraph.model.explain.faithfulness.measure import deletion_curve

                curve = deletion_curve(self.folder)
            name, page = self.id, run_report(self.store, self.id, curve=curve)
        file = file or Path(f"{name}.html")
        try:
            with folders.whole(file) as place:
                place.write_text(page, encoding="utf-8")
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            raise InputError(f"{file} cannot be written ({error}); give another file") from None
        return file
