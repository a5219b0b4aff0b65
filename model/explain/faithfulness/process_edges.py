"""The edges by which a network with a Gaussian process predicts, and its predictions without some of them.

What a drug draws from a gene, a similar drug or a similar cell line is a term of a sum; an edge that goes takes its
term with it, in every part that has a share in the prediction, and no other edge takes its place. Networks that attend
to genes by messages are `message_edges.py`'s, the arithmetic of removal is `curves.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.explain.faithfulness.curves import Curve, agreement, deletion, ranks
from pharmagraph.model.inputs.similarities import kernel_of
from pharmagraph.model.networks.blended_attention import SIMILAR
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.gaussian_process import Contributions
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.targets.attention import TargetAttention
from pharmagraph.model.targets.fitting import Settings, score, softmax
from pharmagraph.model.targets.gene_attention import given_targets
from pharmagraph.model.targets.problem import target_problem
from pharmagraph.model.training.ensemble import Fitted

GENES = "drug_from_gene"
ALL = "all of these"
N_PAIRS = 20_000
"""Training pairs that are watched, at most."""
N_RANDOM = 3
N_STEPS = 8
"""Of the integral of gradients."""
N_KEPT = 50
"""Edges a node that a store keeps."""
ATTENDS, GIVEN_LAST, UNFITTED, GRADIENTS, KEPT = (
    "ATTENDS", "ATTENDS, given targets last", "randomised weights", "integrated gradients",
    f"random of the first {N_KEPT} ATTENDS",
)  # fmt: skip

Kept = Mapping[str, np.ndarray]
"""Relation → which of its edges are kept, bool (n_edges,); all of a relation that is not named."""


@dataclass(frozen=True)
class _Member:
    """What one network's predictions are made of: each part's logits, and the sum that the Gaussian process is."""

    network: RelationalNetwork
    component_weights: dict[str, float]
    parts: dict[str, Tensor]
    contributions: Contributions
    process: Tensor
    of_genes: float


class ProcessEdges:
    """Edges of a fitted ensemble.

    Parameters
    ----------
    fitted
        Its networks have a Gaussian process.
    seed
        Of the draw of pairs.

    Attributes
    ----------
    ends
        Relation → who draws and whom from, node numbers (for genes: drugs, and positions among the candidates),
        int64 (n_edges,).
    """

    def __init__(self, fitted: Fitted, *, seed: int) -> None:
        self.fitted, self.seed = fitted, seed
        cell_line, drug = np.nonzero(fitted.messages.visible.measured.cpu().numpy())
        contributions = np.sort(np.random.default_rng(seed).permutation(len(drug))[:N_PAIRS])
        self._drug, self._cell_line = (
            torch.from_numpy(end[contributions]).to(fitted.device) for end in (drug, cell_line)
        )
        self._changes: dict[int, float] = {}
        visible, self.ends = fitted.messages.visible, dict[str, tuple[np.ndarray, np.ndarray]]()
        if fitted.messages.gene_attention is not None:
            n_drugs, n_genes = fitted.messages.gene_attention.shape
            self.ends[GENES] = (np.repeat(np.arange(n_drugs), n_genes), np.tile(np.arange(n_genes), n_drugs))
        for relation, known in zip(SIMILAR, (visible.known_drugs, visible.known_cell_lines), strict=True):
            others = known & ~torch.eye(len(known), dtype=torch.bool, device=known.device)
            dst, src = torch.nonzero(others, as_tuple=True)
            self.ends[relation] = (dst.cpu().numpy(), src.cpu().numpy())

    def predict(self, kept: Kept) -> np.ndarray:
        """Logits (or standardised values) of the pairs with some edges only, mean over members, (n_pairs,)."""
        masks = {r: self._mask(r, torch.from_numpy(np.asarray(k, np.float32))) for r, k in kept.items()}
        with torch.inference_mode():
            less = self._less_overlap(masks)
            found = torch.stack([self._logits(member, masks, less) for member in self._members]).mean(0)
        logits: np.ndarray = found.cpu().numpy()
        return logits

    def change(self, kept: Kept) -> float:
        """Mean absolute change of the predictions with some edges only; what was asked before is remembered."""
        key = b"".join(r.encode() + np.packbits(k).tobytes() for r, k in kept.items())
        number = hash(key)
        if number not in self._changes:
            self._changes[number] = float(np.abs(self.predict(kept) - self.predict({})).mean())
        return self._changes[number]

    def attention(self, *, unfitted: bool = False) -> dict[str, np.ndarray]:
        """Between similar nodes, mean over members, (n_edges,) a relation; of networks never fitted where asked."""
        networks = [member.network for member in self._members]
        if unfitted:
            torch.manual_seed(self.seed)
            tensors, config = self.fitted.tensors, self.fitted.config
            task = self.fitted.scale.task
            networks = [make_network(tensors, config, task, n).eval() for n in range(len(networks))]  # type: ignore[misc]
        with torch.inference_mode():
            found = [n.attention(self.fitted.tensors, self.fitted.messages) for n in networks]
        return {r: torch.stack([f[r].weight for f in found]).mean(0).cpu().numpy() for r in SIMILAR}

    def gradients(self, relation: str) -> np.ndarray:
        """Integrated gradients of the Gaussian process's part, from no edge of a relation to all, (n_edges,).

        Sundararajan, Taly and Yan, arXiv 1703.01365, by captum. Predictions are summed with random signs: what matters
        is how much an edge moves them, not where to.
        """
        from captum.attr import IntegratedGradients

        generator = torch.Generator().manual_seed(self.seed)
        sign = 2.0 * torch.randint(0, 2, (len(self._drug),), generator=generator) - 1

        def signed(masks: Tensor) -> Tensor:
            (mask,) = masks  # one at a time
            only = {relation: self._mask(relation, mask)}
            less = self._less_overlap(only)
            said = torch.stack([self._process(member, only, less) for member in self._members])
            return (said @ sign.to(mask.device)).sum()[None]

        ones = torch.ones(1, len(self.ends[relation][0]), device=self.fitted.device)
        found = IntegratedGradients(signed).attribute(
            ones, baselines=0.0, n_steps=N_STEPS, method="riemann_middle", internal_batch_size=1
        )
        sizes: np.ndarray = found[0].detach().abs().cpu().numpy()
        return sizes

    def _logits(self, member: _Member, masks: Mapping[str, Tensor], less: Tensor | None) -> Tensor:
        parts = dict(member.parts)
        parts["gaussian_process"] = (
            parts["gaussian_process"] + self._process(member, masks, less) - member.process
        )
        similar = {r: masks[r] for r in SIMILAR if r in masks}
        if similar and member.component_weights.get("axial", 0) > 0:
            assert member.network.axial is not None  # it has a share
            tensors = self.fitted.tensors
            for relation, name in zip(SIMILAR, ("drug_neighbours", "cell_line_neighbours"), strict=True):
                if relation in similar:
                    edges = getattr(tensors, name)
                    tensors = replace(
                        tensors, **{name: edges.keep(similar[relation][edges.dst, edges.src] > 0)}
                    )
            parts["axial"] = self._offset + member.network.axial(
                tensors, self.fitted.messages.visible, self._drug, self._cell_line
            )
        if similar and member.component_weights["relational"] > 0:
            from pharmagraph.model.explain.faithfulness.interventions import without_edges

            messages = self.fitted.messages
            for relation, mask in similar.items():
                edges = messages.edges[relation]
                keep = mask[edges.dst, edges.src] > 0
                messages = without_edges(replace(self.fitted, messages=messages), relation, keep)
            states, _ = member.network.states(self.fitted.tensors, messages)
            parts["relational"] = member.network.relational(states, messages, self._drug, self._cell_line)
        slope, intercept = member.network.calibration
        blend = sum(
            (member.component_weights[part] * logits for part, logits in parts.items()), torch.zeros(())
        )
        return slope * blend + intercept

    def _less_overlap(self, masks: Mapping[str, Tensor]) -> Tensor | None:
        """What drugs' attention overlaps less for masks of their genes, (n_drugs, n_drugs)."""
        gene_attention, overlap = self.fitted.messages.gene_attention, self.fitted.messages.overlap
        if GENES not in masks or gene_attention is None or overlap is None:
            return None
        mask, root = masks[GENES], gene_attention.sqrt()
        if mask.requires_grad:
            return overlap - kernel_of(gene_attention * mask)
        if mask.mean() < 0.5:
            left = root * mask
            return overlap - left.to_sparse() @ left.T
        gone = root * (1 - mask)
        sparse = gone.to_sparse()  # few edges go, and what overlaps without them need not be summed anew
        shared = sparse @ root.T
        return shared + shared.T - sparse @ gone.T

    def _process(self, member: _Member, masks: Mapping[str, Tensor], less: Tensor | None) -> Tensor:
        """The Gaussian process's sum over what is contributions, each edge counted by its mask, (n_pairs,)."""
        contributions = member.contributions
        if less is not None:
            contributions = replace(contributions, kernel_d=contributions.kernel_d - member.of_genes * less)
        if (mask := masks.get(SIMILAR[0])) is not None:
            levels = None if contributions.levels is None else contributions.levels * mask
            contributions = replace(contributions, kernel_d=contributions.kernel_d * mask, levels=levels)
        if (mask := masks.get(SIMILAR[1])) is not None:
            contributions = replace(contributions, kernel_c=contributions.kernel_c * mask)
        return contributions.total()[self._cell_line, self._drug]

    def _mask(self, relation: str, kept: Tensor) -> Tensor:
        """Edges' masks as a matrix, who draws in rows; 1 where there is no edge."""
        if relation == GENES:
            assert self.fitted.messages.gene_attention is not None  # it has edges
            return kept.view(self.fitted.messages.gene_attention.shape)
        n = self.fitted.tensors.n_drugs if relation == SIMILAR[0] else self.fitted.tensors.n_cell_lines
        dst, src = (torch.from_numpy(end).to(kept.device) for end in self.ends[relation])
        return torch.ones(n, n, device=kept.device).index_put((dst, src), kept)

    @cached_property
    def _offset(self) -> Tensor:
        messages = self.fitted.messages
        return messages.drug_offset[self._drug] + messages.cell_line_offset[self._cell_line]

    @cached_property
    def _members(self) -> list[_Member]:
        return list(self._made())

    def _made(self) -> Iterator[_Member]:
        tensors, messages = self.fitted.tensors, self.fitted.messages
        for one in self.fitted.members:
            network = one.network
            assert isinstance(network, RelationalNetwork) and network.gaussian_process is not None
            with torch.no_grad():
                logits = network(tensors, messages, self._drug, self._cell_line)
                states, _ = network.states(tensors, messages)
                contributions = network.gaussian_process.contributions(tensors, states, messages)
                weight = network.gaussian_process.of_genes
                of_genes = float(torch.nn.functional.softplus(weight)) if weight is not None else 0.0
            shares = dict(zip(network.components, network.component_weights.tolist(), strict=True))
            parts = dict(zip(network.components, logits.components, strict=True))
            process = contributions.total()[self._cell_line, self._drug]
            yield _Member(network, shares, parts, contributions, process, of_genes)


def faithfulness(
    fitted: Fitted,
    graph: Heterograph,
    *,
    counts: Sequence[int],
    seed: int = 0,
    advance: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """Deletion and insertion of each relation's edges, all nodes at once, by several rankings.

    Parameters
    ----------
    fitted, graph
        A run with a Gaussian process, and its graph.
    counts
        Edges of each node that are removed, or alone left.
    seed
        Of pairs, random edges, signs and weights.
    advance
        Told of each ranking.

    Returns
    -------
    list of dict
        ``relation``, ``ranking``, ``edges`` (a node), ``deletion`` and ``insertion`` (mean absolute change of the
        logit), ``deletion_ratio`` and ``insertion_ratio`` (over random ones of all that the node could attend to;
        large and small are faithful), ``agreement`` (Spearman's correlation with ATTENDS within a node).
    """
    from pharmagraph.model.explain.faithfulness.process_edges import unfitted

    edges = ProcessEdges(fitted, seed=seed)
    attention = edges.attention()
    random_weights = edges.attention(unfitted=True)
    given = np.empty(0, bool)
    if GENES in edges.ends:
        assert (
            fitted.gene_attention is not None and fitted.messages.gene_attention is not None
        )  # it has edges
        attention[GENES] = fitted.messages.gene_attention.cpu().numpy().ravel()
        given = (
            given_targets(fitted.tensors, fitted.gene_attention.genes.to(fitted.device)).cpu().numpy().ravel()
        )
        advance("evidence")
        random_weights[GENES] = np.where(given, -1, unfitted(fitted, graph, seed=seed).ravel())
    random = np.random.default_rng(seed)
    draws = {
        r: [ranks(random.random(len(e[0])), e[0]) for _ in range(N_RANDOM)] for r, e in edges.ends.items()
    }
    rows: list[dict[str, Any]] = []
    for relation, (node, _) in edges.ends.items():
        weight = attention[relation]
        first = ranks(weight, node) < N_KEPT
        rankings = {
            ATTENDS: weight,
            KEPT: np.where(first, 1 + random.random(len(node)), 0),
            UNFITTED: random_weights[relation],
        }
        if relation == GENES:
            rankings[GIVEN_LAST] = np.where(given, -1, weight)
        advance(f"{relation}, {GRADIENTS}")
        rankings[GRADIENTS] = edges.gradients(relation)
        for name, importance in rankings.items():
            advance(f"{relation}, {name}")
            alike = agreement(importance, weight, node)
            rows += _rows(edges, name, {relation: ranks(importance, node)}, draws, counts, alike)
    for name, weights in ((ATTENDS, attention), (UNFITTED, random_weights)):
        advance(f"{ALL}, {name}")
        rows += _rows(
            edges, name, {r: ranks(weights[r], e[0]) for r, e in edges.ends.items()}, draws, counts, None
        )
    return rows


def deletion_curve(fitted: Fitted, counts: Sequence[int], *, seed: int = 0) -> Curve:
    """Deletion of the genes that drugs attend to most, for a plot."""
    edges = ProcessEdges(fitted, seed=seed)
    assert fitted.messages.gene_attention is not None  # the caller asks of a run that has it
    node, random = edges.ends[GENES][0], np.random.default_rng(seed)
    place = ranks(fitted.messages.gene_attention.cpu().numpy().ravel(), node)
    draws = [ranks(random.random(len(node)), node) for _ in range(N_RANDOM)]
    return deletion(lambda kept: edges.predict({GENES: kept}), place, counts, draws)


def _rows(
    edges: ProcessEdges,
    ranking: str,
    places: Mapping[str, np.ndarray],
    draws: Mapping[str, Sequence[np.ndarray]],
    counts: Sequence[int],
    alike: float | None,
) -> list[dict[str, Any]]:
    """Rows of one ranking; of several relations the same number of edges at once."""

    def change(of: Mapping[str, np.ndarray], k: int, insert: bool) -> float:
        return edges.change({r: (place < k) if insert else (place >= k) for r, place in of.items()})

    rows = []
    for k in counts:
        row: dict[str, Any] = {
            "relation": next(iter(places)) if len(places) == 1 else ALL, "ranking": ranking, "edges": k
        }  # fmt: skip
        for way, insert in (("deletion", False), ("insertion", True)):
            ranked = change(places, k, insert)
            at_random = np.mean(
                [change({r: draws[r][n] for r in places}, k, insert) for n in range(N_RANDOM)]
            )
            row |= {way: ranked, f"{way}_ratio": float(ranked / at_random) if at_random else float("nan")}
        rows.append(row | {"agreement": alike})
    return rows


def unfitted(fitted: Fitted, heterograph: Heterograph, *, seed: int) -> np.ndarray:
    """Attention to a run's candidates by networks of the same make that were never fitted, (n_drugs, n_candidates)."""
    tensors, settings = fitted.tensors.to("cpu"), Settings()
    assert fitted.config.targets is not None  # or there would be nothing to compare with
    problem = target_problem(
        heterograph,
        n_expressed=fitted.config.targets.candidate_genes,
        tensors=tensors,
        visible=fitted.messages.visible,
    )
    torch.manual_seed(seed)
    n_kernels = problem.evidence.drug_similarity.shape[-1]
    members = [
        TargetAttention(n_kernels, heads=settings.heads, channels=settings.channels).eval()
        for _ in range(fitted.config.targets.members)
    ]
    found: np.ndarray = softmax(score(members, problem.evidence, problem.known)).mean(0)
    return found
