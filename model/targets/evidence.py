"""Evidence on drug–gene pairs other than known targets: similarity of drugs, relations of genes, association.

No target enters here, and only those responses that the caller gives.
"""

from __future__ import annotations

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
from pharmagraph.model.targets import gene_relations

RESPONSE_KERNELS = ("response_signature", "response_correlation")
GENE_RELATIONS = ("coexpression", "homology", "interaction", "walk", "pathway", "codependency")
"""Ways in which one gene may be related to another."""

N_SIGNATURE = 16
SIGNATURE_RIDGE = 10.0
OVERLAP_SHRINKAGE = 10.0
CORRELATION_POWER = 3
"""Power of a correlation of two genes: it suppresses weak ones, whose sum over many genes is noise."""
WALK_SCALE = 300.0
"""Factor that brings the logarithm of a walk's probabilities to the size of the other relations."""


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
    screened
        Numbers of the cell lines with CRISPR gene effects, int64 (n_screened,); none in a graph without dependencies.
    dependence
        Unit rows of how much these lines need each gene, float32 (n_genes, n_screened).
    dependence_association
        Correlation of that with response, positive if lines that need the gene are sensitive, float32 (n_drugs,
        n_genes); 0 where unknown.
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
    screened: np.ndarray
    dependence: np.ndarray
    dependence_association: np.ndarray

    @property
    def n_drugs(self) -> int:
        """Number of drugs."""
        return len(self.structure_group)

    @property
    def n_genes(self) -> int:
        """Number of candidate genes."""
        return len(self.genes)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Kinds of evidence that the graph has none of, each with the command that loads it."""
        present = {
            "expression (cli ingest omics)": bool(self.profile.any()),
            "families of genes (cli ingest homology)": self.homology.nnz > 0,
            "interactions (cli ingest interactions)": self.links.nnz > 0,
            "pathways (cli ingest pathways)": self.membership.nnz > 0,
            "CRISPR gene effects (cli ingest dependencies)": len(self.screened) > 0,
        }
        return tuple(kind for kind, is_present in present.items() if not is_present)

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
        screened, dependence = gene_relations.dependence(heterograph, genes)
        return cls(
            genes=genes,
            symbols=symbols,
            structure_group=structure_groups(heterograph),
            drug_similarity=_drug_similarity(tensors, visible),
            association=_association(expression, visible, genes),
            profile=gene_relations.unit_rows(expression.numpy()[:, genes].T),
            homology=gene_relations.homology(heterograph, genes),
            links=gene_relations.links(tensors),
            membership=gene_relations.membership(heterograph, genes),
            screened=screened,
            dependence=dependence,
            dependence_association=_dependence_association(screened, dependence, visible),
        )

    def with_responses(self, tensors: GraphTensors, visible: Visible) -> PairEvidence:
        """The same with other visible responses."""
        return replace(
            self,
            drug_similarity=_drug_similarity(tensors, visible),
            association=_association(tensors.expression.cpu(), visible, self.genes),
            dependence_association=_dependence_association(self.screened, self.dependence, visible),
        )

    def without_responses(self) -> PairEvidence:
        """The same without any response."""
        similarity = self.drug_similarity.copy()
        similarity[..., -len(RESPONSE_KERNELS) :] = 0
        nothing = np.zeros_like(self.association)
        return replace(self, drug_similarity=similarity, association=nothing, dependence_association=nothing)

    def without_homology(self) -> PairEvidence:
        """The same without homology, as in a graph that has none."""
        return replace(self, homology=sparse.csr_matrix(self.homology.shape, dtype=np.float32))

    @property
    def relations(self) -> tuple[str, ...]:
        """Those of ``GENE_RELATIONS`` that the graph has, in their order."""
        has_links = self.links.nnz > 0
        present = {
            "coexpression": bool(self.profile.any()),
            "homology": self.homology.nnz > 0,
            "interaction": has_links,
            "walk": has_links,
            "pathway": self.membership.nnz > 0,
            "codependency": len(self.screened) > 0,
        }
        return tuple(relation for relation in GENE_RELATIONS if present[relation])

    def gene_relations(self, sources: np.ndarray) -> np.ndarray:
        """Relations of every candidate gene to some of them; 0 of a gene to itself.

        Parameters
        ----------
        sources
            The latter, positions among the candidates, int64 (n_sources,).

        Returns
        -------
        ndarray
            float32 (n_relations, n_genes, n_sources), in the order of ``relations``.
        """
        found = np.empty((len(self.relations), self.n_genes, len(sources)), np.float32)
        # one at a time: all of them in double precision would be the peak of a fold's memory
        for relation, values in zip(self.relations, found, strict=True):
            values[:] = self._relation(relation, sources)
        found[:, sources, np.arange(len(sources))] = 0.0
        return found

    def _relation(self, relation: str, sources: np.ndarray) -> np.ndarray:
        of = self.genes[sources]
        degree = np.sqrt(np.maximum(np.asarray(self.links.sum(1)).ravel(), 1)).astype(np.float32)
        match relation:
            case "coexpression":
                return (self.profile @ self.profile[sources].T).clip(0) ** CORRELATION_POWER
            case "homology":
                return self.homology[:, sources].toarray()
            case "interaction":
                return self.links[self.genes][:, of].toarray() / degree[self.genes][:, None] / degree[of]
            case "walk":
                reached = gene_relations.walk(self.links, of)[:, self.genes].T
                return np.log1p(WALK_SCALE * reached / degree[self.genes][:, None])
            case "pathway":
                return (self.membership @ self.membership[sources].T).toarray()
            case _:
                return (self.dependence @ self.dependence[sources].T).clip(0) ** CORRELATION_POWER


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


def _dependence_association(screened: np.ndarray, dependence: np.ndarray, visible: Visible) -> np.ndarray:
    rows, lines = torch.from_numpy(dependence), torch.from_numpy(screened)
    if not len(lines):
        return np.zeros((visible.value.shape[1], len(rows)), np.float32)
    genes = Screened(torch.arange(len(rows)), rows, rows**2)
    found: np.ndarray = association(genes, visible.value.cpu()[lines], visible.measured.cpu()[lines]).numpy()
    return found
