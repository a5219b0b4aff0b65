"""Makes the edges of a large synthetic screen, one kind a function, as a stream of units; it makes no tables.

A unit is the edges of some sources in a row, and has a random generator of its own, seeded with the screen's seed, the
kind and the unit's number. So the rows depend on the seed and the sizes alone, and memory holds one unit at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.expression import strongest_tails
from pharmagraph.ingest.sources.synthetic import SCAFFOLDS, TISSUES
from pharmagraph.ingest.threshold import Rule, limits

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[np.generic]]
"""``src`` and ``dst`` as node numbers, ordered by both, and the properties of the edges, (m,) each."""

UNIT = 1 << 16
"""Approximate number of pairs that a unit looks at."""
SIMILAR_A_NEIGHBOUR = 0.64
"""SIMILAR_TO edges a node for each neighbour kept: a pair that is near both ways is one edge."""
_WINDOW = 4
"""Candidates on each side for one neighbour that is kept."""
PARTNERS = 20
"""Mean number of partners of a gene, as of interactions with high scores in STRING."""
_MOST_TARGETS = 200
TARGETS_A_DRUG = 2 + sum(k**-1.5 for k in range(2, 2 + _MOST_TARGETS))
"""Mean number of targets of a drug: two of its class, and others from a tail that falls with the power 1.5."""
_DIGITS = 4
MUTATED = 0.02
"""Mean share of a cell line's genes that are mutated."""
_SIMILAR, _TARGETS, _EXPRESSES, _MUTATES, _TESTED, _INTERACTS = range(1, 7)
"""Second number of the seed of a kind's units."""


@dataclass(frozen=True)
class Latent:
    """The hidden variables of nodes; ``latent`` samples them.

    Attributes
    ----------
    seed
        Of the screen.
    drug_class, gene_class, tissue
        Class of each drug (drugs,), of each gene (genes,), -1 for none, and tissue of each cell line (cells,); sorted.
    activity
        Of each class in each cell line, standardised, (cells, classes).
    potency, fitness
        Parts of ln IC50 in ln(µmol/l): of the drug (drugs,), and of the cell line (cells,).
    popularity
        How often a gene is a target, a partner or mutated, relative to others, (genes,); a power of its rank.
    mutation
        Probability that a gene is mutated in a cell line, (genes,).
    position
        Label → place of each node on a line; near places are similar.
    """

    seed: int
    drug_class: Ints
    gene_class: Ints
    tissue: Ints
    activity: Floats
    potency: Floats
    fitness: Floats
    popularity: Floats
    mutation: Floats
    position: Mapping[str, Floats]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.activity.shape[1])


def latent(drugs: int, cells: int, genes: int, *, seed: int) -> Latent:
    """Sample the hidden variables."""
    random = np.random.default_rng([seed, 0])
    n = int(np.clip(min(drugs // 5, genes // 4), 2, len(SCAFFOLDS)))
    gene_class = np.full(genes, -1)
    per_class = max(2, genes // (2 * n))
    gene_class[: n * per_class] = np.repeat(np.arange(n), per_class)
    tissue = np.arange(cells) * min(len(TISSUES), max(2, cells // 10)) // cells
    activity = random.normal(0, 1, (cells, n)) + random.normal(0, 0.7, (len(TISSUES), n))[tissue]
    popularity = np.asarray((1.0 + random.permutation(genes)) ** -0.75, np.float64)
    mutation = np.minimum(0.5, popularity * (MUTATED * genes / popularity.sum()))
    return Latent(
        seed=seed,
        drug_class=np.arange(drugs) * n // drugs,
        gene_class=gene_class,
        tissue=tissue,
        activity=(activity - activity.mean(0)) / activity.std(0),
        potency=random.normal(1.5, 1.0, drugs),
        fitness=random.normal(0, 0.4, cells),
        popularity=popularity,
        mutation=mutation,
        position={
            label: random.normal(size=size)
            for label, size in (("Drug", drugs), ("CellLine", cells), ("Gene", genes))
        },
    )


def responses(latent: Latent, density: float, rule: Rule) -> Iterator[Columns]:
    """TESTED_ON: every pair with the probability ``density``, labelled by a rule that looks at one drug at a time."""
    cells = len(latent.fitness)
    for unit, low, high in _units(len(latent.potency), cells):
        random = np.random.default_rng([latent.seed, _TESTED, unit])
        own = slice(low, high)
        drive = latent.activity[:, latent.drug_class[own]].T  # (drugs of the unit, cell lines)
        values = latent.potency[own, None] + latent.fitness - 1.5 * drive
        values = np.round(values + random.normal(0, 0.5, values.shape), _DIGITS)
        drug, cell = np.nonzero(random.random(values.shape) < density)
        ln_ic50 = values[drug, cell]
        limit = limits(ln_ic50, drug, high - low, rule)[drug]
        yield {
            "src": drug + low, "dst": cell, "ln_ic50": ln_ic50, "limit": limit,
            "response": (ln_ic50 <= limit).astype(np.int64), "unlabelled": np.isnan(limit),
        }  # fmt: skip


def expresses(latent: Latent, share: float) -> Iterator[Columns]:
    """EXPRESSES: the genes of a cell line that are farthest from their mean, as `strongest_tails` chooses them."""
    member = latent.gene_class >= 0
    genes = len(member)
    deviation = np.sqrt(1 + 1.44 * member)
    for unit, low, high in _units(len(latent.fitness), genes):
        random = np.random.default_rng([latent.seed, _EXPRESSES, unit])
        z = random.normal(size=(high - low, genes))
        z[:, member] += 1.2 * latent.activity[low:high][:, latent.gene_class[member]]
        z = np.round(z / deviation, _DIGITS)
        cell, gene = strongest_tails(z, share)
        yield {"src": cell + low, "dst": gene, "z": z[cell, gene]}


def mutated(latent: Latent) -> Iterator[Columns]:
    """MUTATED: some genes in many cell lines, most in few."""
    for unit, low, high in _units(len(latent.fitness), len(latent.mutation)):
        random = np.random.default_rng([latent.seed, _MUTATES, unit])
        cell, gene = np.nonzero(random.random((high - low, len(latent.mutation))) < latent.mutation)
        yield {"src": cell + low, "dst": gene, "value": np.ones(len(cell))}


def targets(latent: Latent) -> Iterator[Columns]:
    """TARGETS: the first genes of the drug's class, and others of which a few drugs have very many."""
    genes = len(latent.gene_class)
    first = np.array([np.flatnonzero(latent.gene_class == c)[:2] for c in range(latent.n_classes)])
    cumulated = np.cumsum(latent.popularity)
    for unit, low, high in _units(len(latent.drug_class), PARTNERS):
        random = np.random.default_rng([latent.seed, _TARGETS, unit])
        more = np.minimum(np.floor(random.pareto(1.5, high - low)), min(_MOST_TARGETS, genes)).astype(
            np.int64
        )
        drug = np.repeat(np.arange(low, high), more)
        gene = _drawn(random, cumulated, np.zeros(len(drug)), cumulated[-1])
        planted = first[latent.drug_class[low:high]]
        src, dst = _each_once(
            np.concatenate([np.repeat(np.arange(low, high), planted.shape[1]), drug]),
            np.concatenate([planted.ravel(), gene]),
            genes,
        )
        yield {"src": src, "dst": dst}


def interactions(latent: Latent) -> Iterator[Columns]:
    """INTERACTS_WITH: each pair with a probability that grows with the popularity of both, so degrees are a power law.

    A gene draws its partners among those behind it, so that each pair is drawn in one place.
    """
    weight, genes = latent.popularity, len(latent.popularity)
    cumulated, means = np.cumsum(weight), _partners_behind(latent)
    for unit, low, high in _units(genes, PARTNERS):
        random = np.random.default_rng([latent.seed, _INTERACTS, unit])
        gene = np.repeat(np.arange(low, high), random.poisson(means[low:high]))
        partner = _drawn(random, cumulated, cumulated[gene], cumulated[-1])
        behind = partner > gene
        src, dst = _each_once(gene[behind], partner[behind], genes)
        yield {"src": src, "dst": dst}


def _partners_behind(latent: Latent) -> Floats:
    """Mean number of partners behind each gene, (genes,), never more than half of those."""
    weight = latent.popularity
    behind = np.maximum(weight.sum() - np.cumsum(weight), 0.0)
    means = PARTNERS * len(weight) * weight * behind / weight.sum() ** 2
    return np.minimum(means, np.arange(len(weight))[::-1] / 2)


def similar(position: Floats, group: Ints, k: int) -> Iterator[Columns]:
    """SIMILAR_TO: pairs of which one is among the other's k nearest, near in number, and of one group.

    Places on a line stand for fingerprints and profiles: to compare every pair would take longer than all the rest.
    """
    n, width = len(position), _WINDOW * k
    offsets = np.concatenate([np.arange(-width, 0), np.arange(1, width + 1)])
    for _, low, high in _units(n, len(offsets)):
        rows = np.arange(low, min(high + width, n))  # those behind the unit may choose nodes of it
        other = rows[:, None] + offsets
        inside = (other >= 0) & (other < n)
        clipped = np.clip(other, 0, n - 1)
        likeness = np.exp(-((position[rows, None] - position[clipped]) ** 2))
        likeness[~inside | (group[clipped] != group[rows, None])] = -1.0
        order = np.argsort(-likeness, axis=1, kind="stable")[:, :k]
        nearest = np.zeros(likeness.shape, bool)
        np.put_along_axis(nearest, order, True, axis=1)
        nearest &= likeness >= 0
        later = nearest[: high - low, width:].copy()  # columns: 1 to width behind the row
        for step in range(1, width + 1):
            back = nearest[step:, width - step][: high - low]  # the row behind by so many chose this one
            later[: len(back), step - 1] |= back
        src, ahead = np.nonzero(later)
        yield {
            "src": src + low, "dst": src + low + ahead + 1,
            "similarity": np.round(likeness[src, width + ahead], 6),
        }  # fmt: skip


def members(latent: Latent) -> Iterator[Columns]:
    """MEMBER_OF: the genes of a class, in the class's pathway."""
    genes = np.flatnonzero(latent.gene_class >= 0)
    for start in range(0, len(genes), UNIT):
        own = genes[start : start + UNIT]
        yield {"src": own, "dst": latent.gene_class[own]}


def _units(n: int, candidates: int) -> Iterator[tuple[int, int, int]]:
    """Number, first source and end of each unit; ``candidates`` is the number of pairs a source looks at."""
    at_once = max(1, UNIT // candidates)
    for unit, low in enumerate(range(0, n, at_once)):
        yield unit, low, min(low + at_once, n)


def _drawn(random: np.random.Generator, cumulated: Floats, low: Floats, high: float) -> Ints:
    """Nodes drawn by weight among those whose cumulated weight is beyond ``low``."""
    at = low + random.random(len(low)) * (high - low)
    return np.minimum(np.searchsorted(cumulated, at, side="right"), len(cumulated) - 1)


def _each_once(src: Ints, dst: Ints, n: int) -> tuple[Ints, Ints]:
    pairs = np.unique(src * n + dst)
    return pairs // n, pairs % n
