"""Every gene that some evidence reaches can be found, and what a graph lacks is left out and named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph, Relation
from pharmagraph.model.evaluation.targets.figures import MODELS, evaluate_targets
from pharmagraph.model.evaluation.targets.predictors import PREDICTORS
from pharmagraph.model.inputs.tensors import baseline_tensors
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale
from pharmagraph.model.targets.candidates import candidate_genes
from pharmagraph.model.targets.evidence import PairEvidence
from pharmagraph.model.targets.fitting import Settings, _hidden, fit
from pharmagraph.model.targets.problem import target_problem
from pharmagraph.model.targets.run import fit_run
from tests.screens import screen

torch.set_num_threads(1)

QUICK = Settings(members=1, steps=6, sampled_genes=10, heads=2, channels=4)
HOMOLOGOUS = ("Gene", "HOMOLOGOUS", "Gene")
INTERACTS = ("Gene", "INTERACTS_WITH", "Gene")
MEMBER_OF = ("Gene", "MEMBER_OF", "Pathway")
DEPENDS_ON = ("CellLine", "DEPENDS_ON", "Gene")


def relation(ends: list[tuple[int, int]], **features: list[float]) -> Relation:
    src, dst = torch.tensor(ends, dtype=torch.int64).reshape(-1, 2).T
    columns = {name: torch.tensor(values) for name, values in features.items()}
    return Relation(src, dst, {"dataset": torch.zeros(len(ends), dtype=torch.int64), **columns})


def with_genes(n_more: int) -> Heterograph:
    """The screen with further genes of which nothing is known."""
    graph = screen()
    more = np.array([f"MORE{i}" for i in range(n_more)], dtype=object)
    return replace(graph, ids={**graph.ids, "Gene": np.concatenate([graph.ids["Gene"], more])})


def with_dependencies(graph: Heterograph, effect: np.ndarray) -> Heterograph:
    """The graph with gene effects, (n_cell_lines, n_genes); NaN for none."""
    line, gene = np.nonzero(np.isfinite(effect))
    ends = list(zip(line.tolist(), gene.tolist(), strict=True))
    return graph.with_relation(
        DEPENDS_ON, relation(ends, effect=effect[line, gene].astype(np.float32).tolist())
    )


def candidates(graph: Heterograph, n_expressed: int = 0) -> list[int]:
    return candidate_genes(graph, baseline_tensors(graph), n_expressed).tolist()


@pytest.mark.parametrize(
    ("kind", "edges", "reached"),
    [
        (HOMOLOGOUS, relation([(30, 31)], identity=[0.5]), {30, 31}),
        (INTERACTS, relation([(30, 33)]), {30, 33}),
        (DEPENDS_ON, relation([(0, 32)], effect=[-1.0]), {32}),
        (("CellLine", "MUTATED", "Gene"), relation([(0, 31)], value=[1.0]), {31}),
        (("CellLine", "COPY_NUMBER", "Gene"), relation([(0, 31)], value=[1.0]), {31}),
        (("Drug", "TARGETS", "Gene"), relation([(0, 34)]), {34}),
        (("CellLine", "EXPRESSES", "Gene"), relation([(0, 34)], z=[1.0]), set()),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_gene_that_evidence_reaches_is_a_candidate(
    kind: tuple[str, str, str], edges: Relation, reached: set[int]
) -> None:
    """The last five genes have nothing but these edges; expression alone is limited in number, here to none."""
    found = candidates(with_genes(5).with_relation(kind, edges))
    assert {gene for gene in found if gene >= 30} == reached and found == sorted(set(found))


def test_a_gene_in_a_pathway_is_a_candidate() -> None:
    graph = with_genes(5)
    graph = replace(graph, ids={**graph.ids, "Pathway": np.array(["P"], dtype=object)})
    assert 33 in candidates(graph.with_relation(MEMBER_OF, relation([(33, 0)])))


def test_a_gene_of_which_nothing_is_known_is_no_candidate_and_expression_adds_the_strongest() -> None:
    assert candidates(with_genes(5), n_expressed=1000) == list(range(30))
    graph = (
        screen()
        .with_relation(INTERACTS, relation([]))
        .with_relation(("CellLine", "MUTATED", "Gene"), relation([]))
    )
    strength = (baseline_tensors(graph).expression ** 2).sum(0).numpy()
    strongest = np.argsort(-strength, kind="stable")[:3]
    assert set(candidates(graph, n_expressed=3)) == {0, 1, 2, 3, *strongest.tolist()}


def effects() -> np.ndarray:
    """Lines that respond to the drugs of a family need its gene; gene 9 goes with gene 1; six lines are open."""
    graph, generator = screen(), np.random.default_rng(5)
    z = baseline_tensors(graph).expression.numpy()
    effect = generator.normal(0, 0.3, z.shape)
    effect[:, :4] -= z[:, :4]
    effect[:, 9] = effect[:, 1] * 0.5 + 0.1
    effect[14:] = np.nan
    return effect


def test_dependence_is_correlated_between_genes_and_with_response() -> None:
    effect = effects()
    problem = target_problem(with_dependencies(screen(), effect), n_expressed=30)
    evidence = problem.evidence
    assert evidence.screened.tolist() == list(range(14)) and evidence.dependence.shape == (30, 14)
    expected = np.clip(np.corrcoef(effect[:14].T)[:, [1, 4]], 0, None) ** 3
    expected[[1, 4], [0, 1]] = 0  # no relation of a gene to itself
    relations = evidence.gene_relations(np.array([1, 4]))
    assert relations[evidence.relations.index("codependency")] == pytest.approx(expected, abs=1e-5)
    first = PREDICTORS["dependency-association"](evidence, np.zeros_like(problem.known)).argmax(1)
    assert (problem.known[np.arange(24), first] | ((first == 9) & problem.known[:, 1])).mean() > 0.8
    assert not evidence.without_responses().dependence_association.any()


def test_an_effect_that_the_graph_leaves_out_is_none_and_datasets_are_averaged() -> None:
    graph = screen().with_relation(
        DEPENDS_ON, relation([(0, 2), (0, 2), (1, 2), (3, 5)], effect=[-1.0, -2.0, -1.0, float("nan")])
    )
    evidence = target_problem(graph, n_expressed=30).evidence
    rows = np.array([1.5, 1.0, 0.0]) - 2.5 / 3
    assert evidence.screened.tolist() == [0, 1, 3]
    assert evidence.dependence[2] == pytest.approx(rows / np.linalg.norm(rows), abs=1e-6)
    assert not evidence.dependence[5].any()


def bare() -> Heterograph:
    return screen().with_relation(INTERACTS, relation([]))


def whole() -> Heterograph:
    graph = with_dependencies(screen(), effects()).with_relation(
        HOMOLOGOUS, relation([(0, 7)], identity=[0.5])
    )
    graph = replace(graph, ids={**graph.ids, "Pathway": np.array(["P"], dtype=object)})
    return graph.with_relation(MEMBER_OF, relation([(0, 0), (8, 0)]))


def test_what_the_graph_lacks_is_named_with_its_command() -> None:
    def lacking(graph: Heterograph) -> list[str]:
        return [kind.split(" (")[0] for kind in target_problem(graph, n_expressed=30).evidence.lacking]

    assert lacking(whole()) == []
    assert lacking(bare()) == ["families of genes", "interactions", "pathways", "CRISPR gene effects"]


def nothing_but_structures() -> Heterograph:
    return bare().with_relation(("CellLine", "EXPRESSES", "Gene"), relation([], z=[]))


@pytest.mark.parametrize(
    "graph", [nothing_but_structures(), bare(), whole()], ids=["nothing", "bare", "whole"]
)
def test_attention_and_every_predictor_go_with_what_there_is(graph: Heterograph) -> None:
    problem = target_problem(graph, n_expressed=30)
    rows = evaluate_targets(problem, MODELS, n_folds=3, only=[0], settings=QUICK)
    assert {row["model"] for row in rows} == set(MODELS)
    assert all(np.isfinite(row["value"]) for row in rows)


def test_other_responses_change_associations_alone() -> None:
    graph = whole()
    problem, tensors = target_problem(graph, n_expressed=30), baseline_tensors(graph)
    from pharmagraph.model.responses.scale import visible_pairs
    from pharmagraph.model.targets.null import permuted

    measured = responses(graph, "regression")
    shuffled = visible_pairs(
        permuted(measured, np.random.default_rng(0)), Scale.of(measured, "regression"), tensors.device
    )
    other = problem.evidence.with_responses(tensors, shuffled)
    assert not np.allclose(other.dependence_association, problem.evidence.dependence_association)
    assert other.dependence is problem.evidence.dependence and isinstance(other, PairEvidence)


def test_one_drug_with_targets_is_too_few_whatever_the_evidence() -> None:
    problem = target_problem(whole(), n_expressed=30)
    alone = np.zeros_like(problem.known)
    alone[0, [0, 1]] = True
    with pytest.raises(ModelError, match="fewer than two drugs have known targets"):
        fit(problem.evidence, alone, seed=0, settings=QUICK)


def test_given_targets_come_first_and_their_relatives_next() -> None:
    """Drug 0 alone has gene 5 as a target, and gene 6 is its paralog; drugs 4 and 8 have another pair of paralogs."""
    graph = screen()
    known = graph.relations["Drug", "TARGETS", "Gene"]
    ends = [
        *zip(known.src.tolist(), known.dst.tolist(), strict=True),
        (0, 5),
        (1, 10),
        (2, 11),
        (3, 12),
        (5, 13),
    ]
    ends += [(1, 20), (2, 21), (3, 22), (5, 23)]  # of some pairs of paralogs both are targets
    pairs = [(5, 6), (10, 20), (11, 21), (12, 22), (13, 23)]
    graph = graph.with_relation(("Drug", "TARGETS", "Gene"), relation(ends))
    graph = graph.with_relation(HOMOLOGOUS, relation(pairs, identity=[0.9] * len(pairs)))
    measured = responses(graph, "regression")
    config = load_preset("fast").targets
    assert config is not None
    tensors = baseline_tensors(graph)
    run = fit_run(graph, tensors, measured, Scale.of(measured, "regression"), config, seed=0)
    weights = {(r["src"], r["dst"]): r["weight"] for r in run.table(graph).to_pylist()}
    listed = sorted(graph.ids["Gene"], key=lambda gene: -weights["NSC1", gene])
    assert set(listed[:2]) == {"GENE000", "GENE005"}
    assert listed.index("GENE006") < 6
    for drug, known_row in zip(graph.ids["Drug"], run.problem.known, strict=True):
        of_drug = np.array([weights[drug, gene] for gene in graph.ids["Gene"][run.problem.evidence.genes]])
        assert of_drug[known_row].min() > of_drug[~known_row].max()


def test_a_step_that_hides_genes_leaves_no_drug_of_them_visible() -> None:
    """The fit meets genes without any known drug, as those that are yet to be found."""
    generator = np.random.default_rng(3)
    known, group = generator.random((20, 12)) < 0.3, np.arange(20)
    settings = Settings(hide_genes=1.0, hidden_share=0.5)
    hidden = [_hidden(known, group, settings, generator) for _ in range(20)]
    assert all(not (known & ~h)[:, h.any(0)].any() for h in hidden)
    assert {int(h.any(0).sum()) for h in hidden} > {5}
    singles = [_hidden(known, group, Settings(hide_genes=0.0), generator) for _ in range(20)]
    assert any((known & ~h)[:, h.any(0)].any() for h in singles) and Settings().hide_genes > 0
