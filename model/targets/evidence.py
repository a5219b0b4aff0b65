"""Evidence on drug–gene pairs other than known targets: similarity of drugs, relations of genes, association.

No target enters here, and only those responses that the caller gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.candidates import Screened, association
from pharmagraph.model.inputs.principal_components import PrincipalComponents
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.responses.groups import structure_groups
from pharmagraph.model.responses.visible import Visible, residuals

RESPONSE_KERNELS = ("response_signature", "response_correlation")
GENE_RELATIONS = ("coexpression", "homology", "interaction", "walk", "pathway")
"""Ways in which one gene is related to another, in the order of `PairEvidence.gene_relations`."""

_HOMOLOGOUS = ("Gene", "HOMOLOGOUS", "Gene")

N_SIGNATURE = 16
SIGNATURE_RIDGE = 10.0
OVERLAP_SHRINKAGE = 10.0
COEXPRESSION_POWER = 3
"""Power of the correlation: it suppresses weak correlations, whose sum over many genes is noise."""
WALK_SCALE = 300.0
"""Factor that brings the logarithm of a walk's probabilities to the size of the other relations."""
RESTART = 0.5
N_STEPS = 20


@dataclass(frozen=True)
class PairEvidence:
    """Evidence on all pairs of a drug and a candidate gene.

    Attributes
    ----------
    genes
        Node numbers of the candidate genes, ascending, int64 (n_genes,).
    symbols
        HGNC symbols of the candidate genes.
    structure_group
        The same number for drugs of the same structure, int64 (n_drugs,).
    drug_similarity
        float32 (n_drugs, n_drugs, n_kernels), in the order of `model.inputs.views.DRUG_KERNELS`, then
        ``RESPONSE_KERNELS``.
    association
        Correlation of expression with response, float32 (n_drugs, n_genes); 0 where unknown.
    profile
        Unit rows of centred expression, float32 (n_genes, n_cell_lines): their products are correlations.
    homology
        Identity of protein sequences, CSR (n_genes, n_genes), symmetric; 0 where the graph has no HOMOLOGOUS edge.
    links
        Interactions of all genes of the graph, CSR (n_all, n_all), symmetric, 0 or 1.
    membership
        Unit rows of pathway membership, rare pathways weighing more, CSR (n_genes, n_pathways).
    """

    genes: np.ndarray
    symbols: np.ndarray
    structure_group: np.ndarray
    drug_similarity: np.ndarray
    association: np.ndarray
    profile: np.ndarray
    homology: sparse.csr_matrix
    links: sparse.csr_matrix
    membership: sparse.csr_matrix

    @property
    def n_drugs(self) -> int:
        """Number of drugs."""
        return len(self.structure_group)

    @property
    def n_genes(self) -> int:
        """Number of candidate genes."""
        return len(self.genes)

    @classmethod
    def of(
        cls, heterograph: Heterograph, tensors: GraphTensors, visible: Visible, genes: np.ndarray
    ) -> PairEvidence:
        """Evidence from a graph and visible responses.

        Parameters
        ----------
        heterograph
            Gives gene symbols, structures, homology and pathways.
        tensors
            Of the same graph.
        visible
            Training responses only.
        genes
            Node numbers of the `candidate_genes`, ascending, int64 (n_genes,).
        """
        symbols = np.array([str(g) for g in heterograph.ids["Gene"][genes]])
        expression = tensors.expression.cpu()
        return cls(
            genes=genes,
            symbols=symbols,
            structure_group=structure_groups(heterograph),
            drug_similarity=_drug_similarity(tensors, visible),
            association=_association(expression, visible, genes),
            profile=_profile(expression.numpy(), genes),
            homology=_homology(heterograph, genes),
            links=_links(tensors),
            membership=_membership(heterograph, genes),
        )

    def with_responses(self, tensors: GraphTensors, visible: Visible) -> PairEvidence:
        """The same with other visible responses."""
        return replace(
            self,
            drug_similarity=_drug_similarity(tensors, visible),
            association=_association(tensors.expression.cpu(), visible, self.genes),
        )

    def without_responses(self) -> PairEvidence:
        """The same without any response."""
        similarity = self.drug_similarity.copy()
        similarity[..., -len(RESPONSE_KERNELS) :] = 0
        return replace(self, drug_similarity=similarity, association=np.zeros_like(self.association))

    def without_homology(self) -> PairEvidence:
        """The same without homology, as in a graph that has none."""
        return replace(self, homology=sparse.csr_matrix(self.homology.shape, dtype=np.float32))

    def gene_relations(self, sources: np.ndarray) -> np.ndarray:
        """Relations of every candidate gene to some of them; 0 of a gene to itself.

        Parameters
        ----------
        sources
            The latter, positions among the candidates, int64 (n_sources,).

        Returns
        -------
        ndarray
            float32 (5, n_genes, n_sources), in the order of ``GENE_RELATIONS``.
        """
        found = np.empty((len(GENE_RELATIONS), self.n_genes, len(sources)), np.float32)
        # one at a time: all of them in double precision would be the peak of a fold's memory
        for relation, values in zip(found, self._each_relation(sources), strict=True):
            relation[:] = values
        found[:, sources, np.arange(len(sources))] = 0.0
        return found

    def _each_relation(self, sources: np.ndarray) -> Iterator[np.ndarray]:
        of = self.genes[sources]
        degree = np.sqrt(np.maximum(np.asarray(self.links.sum(1)).ravel(), 1)).astype(np.float32)
        yield (self.profile @ self.profile[sources].T).clip(0) ** COEXPRESSION_POWER
        yield self.homology[:, sources].toarray()
        yield self.links[self.genes][:, of].toarray() / degree[self.genes][:, None] / degree[of]
        yield np.log1p(WALK_SCALE * walk(self.links, of)[:, self.genes].T / degree[self.genes][:, None])
        yield (self.membership @ self.membership[sources].T).toarray()


def candidate_genes(tensors: GraphTensors, known_genes: np.ndarray, n_expressed: int) -> np.ndarray:
    """The genes that drugs may attend to: all known targets, and the genes with most expression signal.

    Parameters
    ----------
    tensors
        Of the graph.
    known_genes
        Node numbers of the genes of all known targets, held-out ones included: only a candidate can be found.
    n_expressed
        Number of genes by the sum of squared z over cell lines; ties go to the smaller number.

    Returns
    -------
    ndarray
        Node numbers, ascending, int64.
    """
    expressed = Screened.of(tensors.expression.cpu(), n_expressed).genes.numpy()
    return np.union1d(expressed, known_genes).astype(np.int64)


def has_homology(heterograph: Heterograph) -> bool:
    """Whether a graph says which genes are alike in sequence; a graph saved by an earlier version does not."""
    return _HOMOLOGOUS in heterograph.relations and len(heterograph.relations[_HOMOLOGOUS]) > 0


def walk(links: sparse.csr_matrix, sources: np.ndarray) -> np.ndarray:
    """Random walks with restart: the probability of being at each gene, from each of some genes.

    Parameters
    ----------
    links
        Interactions, symmetric, 0 or 1, CSR (n, n).
    sources
        Genes at which the walks start and restart, int64 (n_sources,).

    Returns
    -------
    ndarray
        Probabilities, float32 (n_sources, n). A walk stays at a gene without links.
    """
    degree = np.asarray(links.sum(1)).ravel()
    step = (
        sparse.diags(1 / np.maximum(degree, 1)) @ links + sparse.diags((degree == 0).astype(float))
    ).T.tocsr()
    start = np.zeros((links.shape[0], len(sources)), np.float32)
    start[sources, np.arange(len(sources))] = 1.0
    at, step = start.copy(), step.astype(np.float32)
    for _ in range(N_STEPS):
        at = RESTART * start + (1 - RESTART) * (step @ at)
    return at.T


def _drug_similarity(tensors: GraphTensors, visible: Visible) -> np.ndarray:
    residual = residuals(visible.value, visible.measured).cpu()
    measured = visible.measured.cpu()
    return torch.cat(
        [
            tensors.drug_kernels.cpu(),
            _signature_cosine(tensors, residual, measured)[..., None],
            _overlap_correlation(residual, measured)[..., None],
        ],
        dim=-1,
    ).numpy()


def _signature_cosine(tensors: GraphTensors, residual: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
    """Cosine between drugs' ridge coefficients of response on the principal components of expression.

    Two drugs need no common cell line.
    """
    expression = tensors.expression.cpu()
    axes = PrincipalComponents(expression.shape[1], N_SIGNATURE, expression)(expression)
    gram = torch.einsum("cd,ck,cl->dkl", measured, axes, axes) + SIGNATURE_RIDGE * torch.eye(N_SIGNATURE)
    signature = torch.linalg.solve(gram, (axes.T @ residual).T[..., None])[..., 0]
    unit = signature / signature.norm(dim=1, keepdim=True).clamp(min=1e-9)
    return unit @ unit.T


def _overlap_correlation(residual: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
    """Correlation of two drugs' responses over their common cell lines, shrunk if these are few."""
    common = measured.T @ measured
    square = (residual**2).T @ measured
    scale = (square * square.T).sqrt() * (common + OVERLAP_SHRINKAGE) / common.clamp(min=1)
    return (residual.T @ residual) / scale.clamp(min=1e-6)


def _association(expression: torch.Tensor, visible: Visible, genes: np.ndarray) -> np.ndarray:
    screened = Screened.of(expression[:, genes], len(genes))
    score = association(screened, visible.value.cpu(), visible.measured.cpu())
    found = np.zeros((score.shape[0], len(genes)), np.float32)
    found[:, screened.genes.numpy()] = score.numpy()
    return found


def _profile(expression: np.ndarray, genes: np.ndarray) -> np.ndarray:
    rows = expression[:, genes].T
    rows = rows - rows.mean(1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(norm > 1e-9, rows / np.maximum(norm, 1e-9), 0).astype(np.float32)


def _links(tensors: GraphTensors) -> sparse.csr_matrix:
    src, dst = tensors.interacts.src.cpu().numpy(), tensors.interacts.dst.cpu().numpy()
    apart = src != dst
    n = tensors.n_genes
    return sparse.csr_matrix((np.ones(int(apart.sum()), np.float32), (src[apart], dst[apart])), shape=(n, n))


def _homology(heterograph: Heterograph, genes: np.ndarray) -> sparse.csr_matrix:
    """Identity between the candidate genes; of a pair that several datasets bring, the largest."""
    n = heterograph.n_nodes("Gene")
    if not has_homology(heterograph):
        return sparse.csr_matrix((len(genes), len(genes)), dtype=np.float32)
    edges = heterograph.relations[_HOMOLOGOUS]
    src, dst = edges.src.numpy(), edges.dst.numpy()
    identity = np.nan_to_num(edges.features["identity"].numpy())
    pair, position = np.unique(np.concatenate([src * n + dst, dst * n + src]), return_inverse=True)
    largest = np.zeros(len(pair), np.float32)
    np.maximum.at(largest, position, np.tile(identity, 2))
    return sparse.csr_matrix((largest, (pair // n, pair % n)), shape=(n, n))[genes][:, genes]


def _membership(heterograph: Heterograph, genes: np.ndarray) -> sparse.csr_matrix:
    edges = heterograph.relations["Gene", "MEMBER_OF", "Pathway"]
    shape = (heterograph.n_nodes("Gene"), max(heterograph.n_nodes("Pathway"), 1))
    ends = edges.src.numpy(), edges.dst.numpy()
    member = sparse.csr_matrix((np.ones(len(edges), np.float32), ends), shape=shape)
    member.data[:] = 1.0  # a pair that several datasets bring is one membership
    rarity = 1 / np.log(2 + np.asarray(member.sum(0)).ravel())
    weighted = sparse.csr_matrix(member @ sparse.diags(rarity))[genes]
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(norm, 1e-9)) @ weighted, dtype=np.float32)
