"""The edges over which a network with a Gaussian process attends: predictions without some of them, and rankings.

A gene, a similar drug or a similar cell line contributes one term of a sum to a prediction. Without an edge its term is
missing, in every component that has a weight in the prediction, and no other edge takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.runs import TOP_K
from pharmagraph.model.explain.faithfulness.curves import ranks
from pharmagraph.model.explain.faithfulness.interventions import without_edges
from pharmagraph.model.explain.faithfulness.masked_edges import GENES, Importance, Kept, Ranking
from pharmagraph.model.inputs.similarities import kernel_of
from pharmagraph.model.networks.blended_attention import SIMILAR
from pharmagraph.model.networks.contributions import Contributions
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.networks.network import Logits, Network
from pharmagraph.model.targets.attention import TargetAttention
from pharmagraph.model.targets.fitting import Settings, score, softmax
from pharmagraph.model.targets.gene_attention import given_targets
from pharmagraph.model.targets.problem import target_problem
from pharmagraph.model.training.fitted import Fitted

N_PAIRS = 20_000
"""Training pairs whose predictions are compared, at most."""
N_STEPS = 8
"""Steps of the integral of gradients."""
ATTENDS, GIVEN_LAST, UNFITTED, GRADIENTS, STORED = (
    "ATTENDS", "ATTENDS, given targets last", "randomised weights", "integrated gradients",
    f"random of the first {TOP_K} ATTENDS",
)  # fmt: skip


@dataclass(frozen=True)
class _Member:
    """One network and the residuals of its predictions.

    Attributes
    ----------
    component_weights
        Component → its weight.
    logits
        Of the pairs, by component.
    contributions
        Of the Gaussian process.
    process
        Their sum for the pairs, (n_pairs,).
    of_genes
        Weight of the overlap of attention to genes in the drug kernel.
    """

    network: RelationalNetwork
    component_weights: dict[str, float]
    logits: Logits
    contributions: Contributions
    process: Tensor
    of_genes: float


class ProcessEdges:
    """Edges of a fitted ensemble to genes, similar drugs and similar cell lines, in so far as predictions draw on them.

    Parameters
    ----------
    fitted
        Its networks have a Gaussian process.
    heterograph
        The graph that it was fitted on.
    seed
        Of the sample of pairs, signs and random weights.

    Attributes
    ----------
    ends
        Relation → nodes that attend, and nodes that they attend to: node numbers (for genes: drugs, and positions among
        the candidate genes), int64 (n_edges,).

    Raises
    ------
    ModelError
        If every component that attends has weight 0 in the prediction.
    """

    def __init__(self, fitted: Fitted, heterograph: Heterograph, *, seed: int) -> None:
        self.fitted, self.heterograph, self.seed = fitted, heterograph, seed
        cell_line, drug = np.nonzero(fitted.messages.visible.measured.cpu().numpy())
        sample = np.sort(np.random.default_rng(seed).permutation(len(drug))[:N_PAIRS])
        self._drug, self._cell_line = (
            torch.from_numpy(end[sample]).to(fitted.device) for end in (drug, cell_line)
        )
        self._used = {c for c, weight in fitted.component_weights().items() if weight > 0}
        if not self._used & {"relational", "axial", "gaussian_process"}:
            raise ModelError(
                f"predictions of the run draw on no attention: only {', '.join(self._used)} has a weight in the "
                "prediction; train with another seed or preset"
            )
        visible, self.ends = fitted.messages.visible, dict[str, tuple[np.ndarray, np.ndarray]]()
        if fitted.messages.gene_attention is not None and "gaussian_process" in self._used:
            n_drugs, n_genes = fitted.messages.gene_attention.shape
            self.ends[GENES] = (np.repeat(np.arange(n_drugs), n_genes), np.tile(np.arange(n_genes), n_drugs))
        for relation, known in zip(SIMILAR, (visible.known_drugs, visible.known_cell_lines), strict=True):
            others = known & ~torch.eye(len(known), dtype=torch.bool, device=known.device)
            dst, src = torch.nonzero(others, as_tuple=True)
            self.ends[relation] = (dst.cpu().numpy(), src.cpu().numpy())

    def predict(self, kept: Kept) -> np.ndarray:
        """Logits (in regression standardised ln IC50) of the pairs from the kept edges, (n_pairs,)."""
        masks = {r: self._mask(r, torch.from_numpy(np.asarray(k, np.float32))) for r, k in kept.items()}
        with torch.inference_mode():
            less = self._less_overlap(masks)
            found = torch.stack([self._logits(member, masks, less) for member in self._members]).mean(0)
        logits: np.ndarray = found.cpu().numpy()
        return logits

    def attention(self) -> Importance:
        """Of drugs to genes, and between similar nodes the mean over members."""
        return self._attention

    @cached_property
    def _attention(self) -> Importance:
        found = self._between_similar([member.network for member in self._members])
        if GENES in self.ends:
            assert self.fitted.messages.gene_attention is not None  # it has edges
            found[GENES] = self.fitted.messages.gene_attention.cpu().numpy().ravel()
        return found

    def unfitted(self) -> Importance:
        """The same of networks with random weights, which were never fitted; given targets come last."""
        torch.manual_seed(self.seed)
        tensors, config, task = self.fitted.tensors, self.fitted.config, self.fitted.scale.task
        networks = [
            make_network(tensors, config, task, n, like=member.network).eval()
            for n, member in enumerate(self.fitted.members)
        ]
        found = self._between_similar(networks)
        if GENES in self.ends:
            attention = unfitted_gene_attention(self.fitted, self.heterograph, seed=self.seed)
            found[GENES] = np.where(self._given, -1, attention.ravel())
        return found

    def gradients(self, relation: str) -> np.ndarray:
        """Integrated gradients of the Gaussian process by masks of a relation, from no edge to all, (n_edges,).

        Sundararajan, Taly and Yan, arXiv 1703.01365, by captum. Predictions are summed with random signs: the size of
        an edge's effect counts, not its direction.
        """
        from captum.attr import IntegratedGradients

        generator = torch.Generator().manual_seed(self.seed)
        sign = 2.0 * torch.randint(0, 2, (len(self._drug),), generator=generator) - 1

        def signed(masks: Tensor) -> Tensor:
            (mask,) = masks  # one at a time
            only = {relation: self._mask(relation, mask)}
            less = self._less_overlap(only)
            sums = torch.stack([self._process(member, only, less) for member in self._members])
            return (sums @ sign.to(mask.device)).sum()[None]

        ones = torch.ones(1, len(self.ends[relation][0]), device=self.fitted.device)
        found = IntegratedGradients(signed).attribute(
            ones, baselines=0.0, n_steps=N_STEPS, method="riemann_middle", internal_batch_size=1
        )
        sizes: np.ndarray = found[0].detach().abs().cpu().numpy()
        return sizes

    def rankings(self) -> list[Ranking]:
        """Of each relation's edges by themselves, then of all relations' edges at once.

        Given targets come first in the attention. Networks with random weights rank the other genes, so they are to be
        compared with the attention that has given targets last.
        """
        attention, unfitted = self.attention(), self.unfitted()

        def stored(relation: str, random: np.random.Generator) -> Importance:
            """A random order of the edges that a store keeps, the others after them."""
            node, _ = self.ends[relation]
            first = ranks(attention[relation], node) < TOP_K
            return {relation: np.where(first, 1 + random.random(len(node)), 0)}

        found = []
        for relation in self.ends:
            one = (relation,)
            found += [
                Ranking(ATTENDS, one, lambda _: attention),
                Ranking(STORED, one, partial(stored, relation)),
                Ranking(UNFITTED, one, lambda _: unfitted),
            ]
            if relation == GENES:
                given_last = {GENES: np.where(self._given, -1, attention[GENES])}
                found.append(Ranking(GIVEN_LAST, one, lambda _, ranked=given_last: ranked))  # type: ignore[misc]
            if "gaussian_process" in self._used:
                found.append(Ranking(GRADIENTS, one, lambda _, r=relation: {r: self.gradients(r)}))  # type: ignore[misc]
        everything = tuple(self.ends)
        found += [
            Ranking(ATTENDS, everything, lambda _: attention),
            Ranking(UNFITTED, everything, lambda _: unfitted),
        ]
        return found

    def _between_similar(self, networks: Sequence[Network]) -> dict[str, np.ndarray]:
        """Attention on the edges between similar nodes, 0 where a network has none, mean over networks."""
        with torch.inference_mode():
            found = [n.attention(self.fitted.tensors, self.fitted.messages) for n in networks]
        mean = {}
        for relation in SIMILAR:
            dst, src = (torch.from_numpy(end).to(self.fitted.device) for end in self.ends[relation])
            n = self.fitted.tensors.n_drugs if relation == SIMILAR[0] else self.fitted.tensors.n_cell_lines
            weights = []
            for attended in (attended[relation] for attended in found if relation in attended):
                dense = attended.weight.new_zeros(n, n)
                ends = (attended.edges.dst, attended.edges.src)
                weights.append(dense.index_put(ends, attended.weight, accumulate=True)[dst, src])
            mean[relation] = torch.stack(weights).mean(0).cpu().numpy()
        return mean

    @cached_property
    def _given(self) -> np.ndarray:
        """Which edges to genes are to targets that the run was given, bool (n_edges,)."""
        assert self.fitted.gene_attention is not None  # or there are no such edges
        genes = self.fitted.gene_attention.genes.to(self.fitted.device)
        given: np.ndarray = given_targets(self.fitted.tensors, genes).cpu().numpy().ravel()
        return given

    def _logits(self, member: _Member, masks: Mapping[str, Tensor], less: Tensor | None) -> Tensor:
        residuals = dict(zip(member.network.components, member.logits.residuals, strict=True))
        residuals["gaussian_process"] = (
            residuals["gaussian_process"] + self._process(member, masks, less) - member.process
        )
        similar = {r: masks[r] for r in SIMILAR if r in masks}
        if similar and member.component_weights.get("axial", 0) > 0:
            assert member.network.axial is not None  # it has a weight
            tensors = self.fitted.tensors
            for relation, name in zip(SIMILAR, ("drug_neighbours", "cell_line_neighbours"), strict=True):
                if relation in similar:
                    edges = getattr(tensors, name)
                    tensors = replace(
                        tensors, **{name: edges.keep(similar[relation][edges.dst, edges.src] > 0)}
                    )
            residuals["axial"] = member.network.axial(
                tensors, self.fitted.messages.visible, self._drug, self._cell_line
            )
        if similar and member.component_weights.get("relational", 0) > 0:
            messages = self.fitted.messages
            for relation, mask in similar.items():
                edges = messages.edges[relation]
                keep = mask[edges.dst, edges.src] > 0
                messages = without_edges(replace(self.fitted, messages=messages), relation, keep)
            states, _ = member.network.states(self.fitted.tensors, messages)
            residuals["relational"] = member.network.relational(states, messages, self._drug, self._cell_line)
        slope, intercept = member.network.calibration
        changed = replace(member.logits, residuals=tuple(residuals.values()))
        weighted = zip(member.component_weights.values(), changed.components, strict=True)
        blend = sum((weight * logits for weight, logits in weighted), torch.zeros(()))
        return slope * blend + intercept

    def _less_overlap(self, masks: Mapping[str, Tensor]) -> Tensor | None:
        """By how much the overlap of drugs' attention falls under a mask of their genes, (n_drugs, n_drugs)."""
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
        sparse = (
            gone.to_sparse()
        )  # few edges are removed, and the overlap of the others need not be summed again
        shared = sparse @ root.T
        return shared + shared.T - sparse @ gone.T

    def _process(self, member: _Member, masks: Mapping[str, Tensor], less: Tensor | None) -> Tensor:
        """The sum of the Gaussian process's contributions, each multiplied by its edge's mask, (n_pairs,)."""
        contributions = member.contributions
        kernel_d, levels = contributions.kernel_d, contributions.levels
        if less is not None:
            kernel_d = kernel_d - member.of_genes * less
        if (mask := masks.get(SIMILAR[0])) is not None:
            kernel_d, levels = kernel_d * mask, None if levels is None else levels * mask
        if (mask := masks.get(SIMILAR[1])) is not None:
            contributions = replace(contributions, kernel_c=contributions.kernel_c * mask)
        return contributions.mean(kernel_d, levels)[self._cell_line, self._drug]

    def _mask(self, relation: str, kept: Tensor) -> Tensor:
        """The masks of a relation's edges as a matrix: the row attends to the column; 1 where there is no edge."""
        if relation == GENES:
            assert self.fitted.messages.gene_attention is not None  # it has edges
            return kept.view(self.fitted.messages.gene_attention.shape)
        n = self.fitted.tensors.n_drugs if relation == SIMILAR[0] else self.fitted.tensors.n_cell_lines
        dst, src = (torch.from_numpy(end).to(kept.device) for end in self.ends[relation])
        return torch.ones(n, n, device=kept.device).index_put((dst, src), kept)

    @cached_property
    def _members(self) -> list[_Member]:
        return list(self._made())

    def _made(self) -> Iterator[_Member]:
        tensors, messages = self.fitted.tensors, self.fitted.messages
        for one in self.fitted.members:
            network = one.network
            assert isinstance(network, RelationalNetwork) and network.gaussian_process is not None
            with torch.inference_mode(False), torch.no_grad():  # gradients by masks need these tensors, too
                logits = network(tensors, messages, self._drug, self._cell_line)
                states, _ = network.states(tensors, messages)
                contributions = network.gaussian_process.contributions(tensors, states, messages)
                weight = network.gaussian_process.of_genes
                of_genes = float(torch.nn.functional.softplus(weight)) if weight is not None else 0.0
                process = contributions.total()[self._cell_line, self._drug]
            weights = network.weight_of()
            yield _Member(network, weights, logits, contributions, process, of_genes)


def unfitted_gene_attention(fitted: Fitted, heterograph: Heterograph, *, seed: int) -> np.ndarray:
    """Attention to a run's candidate genes by networks with random weights, (n_drugs, n_candidates)."""
    tensors, settings = fitted.tensors.to("cpu"), Settings()
    assert fitted.config.targets is not None  # or the run had no gene attention
    problem = target_problem(
        heterograph,
        n_expressed=fitted.config.targets.candidate_genes,
        tensors=tensors,
        visible=fitted.messages.visible,
    )
    torch.manual_seed(seed)
    n_kernels, n_relations = problem.evidence.drug_similarity.shape[-1], len(problem.evidence.relations)
    members = [
        TargetAttention(n_kernels, n_relations, heads=settings.heads, channels=settings.channels).eval()
        for _ in range(fitted.config.targets.members)
    ]
    found: np.ndarray = softmax(score(members, problem.evidence, problem.known)).mean(0)
    return found
