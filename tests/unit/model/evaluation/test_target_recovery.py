"""Known targets are held out so that nothing carries the answer, and figures say what scikit-learn says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.stats import wilcoxon
from sklearn.metrics import average_precision_score, roc_auc_score

from pharmagraph.kg.errors import InputError, ModelError, NotFoundError, RowError
from pharmagraph.kg.heterograph import Relation
from pharmagraph.kg.names import Names
from pharmagraph.model.evaluation.targets.figures import evaluate_targets, paired, score_pairs, summary
from pharmagraph.model.evaluation.targets.holdout import held_out
from pharmagraph.model.evaluation.targets.predictors import PREDICTORS
from pharmagraph.model.evaluation.targets.recovery import Recovery, recovery
from pharmagraph.model.evaluation.targets.truth import Truth, read_truth
from pharmagraph.model.presets.choices import Holdout
from pharmagraph.model.reports import interpretation as page
from pharmagraph.model.reports.worked import work
from pharmagraph.model.targets.fitting import Settings, fit
from pharmagraph.model.targets.gene_relations import walk
from pharmagraph.model.targets.problem import TargetProblem, target_problem
from tests.screens import screen

torch.set_num_threads(1)

QUICK = Settings(members=1, steps=6, sampled_genes=10, heads=2, channels=4)


@pytest.fixture(scope="module")
def problem() -> TargetProblem:
    return target_problem(screen(), n_expressed=30)


def _known(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.random((12, 9)) < 0.4, np.array([0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8])


@pytest.mark.parametrize("holdout", list(Holdout))
def test_every_known_target_is_held_out_once(holdout: Holdout) -> None:
    known, group = _known()
    parts = list(held_out(known, group, holdout, 3))
    assert np.array_equal(np.sum(parts, axis=0), known.astype(int))


@pytest.mark.parametrize("holdout", [Holdout.pair, Holdout.drug, Holdout.gene])
def test_no_structure_twin_keeps_the_target_that_is_held_out(holdout: Holdout) -> None:
    known, group = _known()
    for aside in held_out(known, group, holdout, 3):
        visible = known & ~aside
        for drug, gene in np.argwhere(aside):
            assert not visible[group == group[drug], gene].any()


def test_a_held_out_drug_has_no_visible_target_and_a_held_out_gene_no_visible_drug() -> None:
    known, group = _known()
    for aside in held_out(known, group, Holdout.drug, 3):
        assert not (known & ~aside)[aside.any(1)].any()
    for aside in held_out(known, group, Holdout.gene, 3):
        assert not (known & ~aside)[:, aside.any(0)].any()


def test_too_few_targets_for_the_folds_is_said() -> None:
    with pytest.raises(ModelError, match="cannot be cut into 5 folds"):
        list(held_out(np.eye(3, dtype=bool), np.arange(3), Holdout.pair))


def test_figures_agree_with_scikit_learn_and_with_counting() -> None:
    generator = np.random.default_rng(1)
    known = generator.random((10, 40)) < 0.2
    aside = known & (generator.random(known.shape) < 0.5)
    visible, score = known & ~aside, generator.normal(size=known.shape)
    found = recovery(score, aside, visible)
    assert found.drugs.tolist() == np.flatnonzero(aside.any(1)).tolist()
    hits = 0
    for position, drug in enumerate(found.drugs):
        genes = ~visible[drug]
        label, value = aside[drug, genes], score[drug, genes]
        assert found.per_drug["auroc"][position] == pytest.approx(roc_auc_score(label, value))
        assert found.per_drug["aupr"][position] == pytest.approx(average_precision_score(label, value))
        ranks = np.flatnonzero(label[np.argsort(-value)])
        assert found.per_drug["mrr"][position] == pytest.approx(1 / (ranks[0] + 1))
        assert found.per_drug["recall@5"][position] == pytest.approx((ranks < 5).mean())
        hits += int((ranks < 20).sum())
    assert found.pooled["recall@20"] == pytest.approx(hits / aside.sum())
    pairs = ~visible[found.drugs]
    pooled = roc_auc_score(aside[found.drugs][pairs], score[found.drugs][pairs])
    assert found.pooled["auroc"] == pytest.approx(pooled)


def test_a_visible_target_is_no_candidate() -> None:
    aside, visible = np.array([[False, True, False]]), np.array([[True, False, False]])
    assert recovery(np.array([[9.0, 1.0, 0.0]]), aside, visible).per_drug["mrr"].tolist() == [1.0]


def test_a_walk_from_a_gene_is_the_solution_of_its_equation() -> None:
    generator = np.random.default_rng(2)
    upper = np.triu(generator.random((8, 8)) < 0.4, 1)
    upper[:, 7] = False  # a gene without links
    links = sparse.csr_matrix((upper | upper.T).astype(np.float32))
    dense = links.toarray()
    degree = dense.sum(1)
    step = dense / np.maximum(degree, 1)[:, None] + np.diag((degree == 0).astype(float))
    exact = 0.5 * np.linalg.inv(np.eye(8) - 0.5 * step.T)
    assert walk(links, np.arange(8)) == pytest.approx(exact.T, abs=1e-5)


HOMOLOGOUS = ("Gene", "HOMOLOGOUS", "Gene")


def with_homology(ends: list[tuple[int, int]], identity: list[float]) -> TargetProblem:
    """The problem on a graph whose symbols all begin alike, with some homologous genes."""
    src, dst = torch.tensor(ends).T
    relation = Relation(src, dst, {"identity": torch.tensor(identity), "dataset": torch.zeros(len(ends))})
    return target_problem(screen().with_relation(HOMOLOGOUS, relation), n_expressed=30)


def test_homology_is_the_largest_identity_both_ways() -> None:
    evidence = with_homology([(0, 7), (3, 1), (0, 7), (2, 9)], [0.4, 0.9, 0.6, float("nan")]).evidence
    expected = np.zeros((30, 30))
    expected[0, 7] = expected[7, 0] = 0.6
    expected[1, 3] = expected[3, 1] = 0.9
    assert np.array_equal(evidence.genes, np.arange(30))
    assert evidence.homology.toarray() == pytest.approx(expected)
    relations = evidence.gene_relations(np.array([7, 1]))
    assert relations[evidence.relations.index("homology")] == pytest.approx(expected[:, [7, 1]])


def test_letters_of_symbols_make_no_family(problem: TargetProblem) -> None:
    """All symbols of the screen begin with GENE, and the graph has no homology."""
    assert len({s[:4] for s in problem.evidence.symbols}) == 1
    assert "homology" not in problem.evidence.relations
    visible = problem.known
    assert np.array_equal(
        np.argsort(-PREDICTORS["family"](problem.evidence, visible), kind="stable"),
        np.argsort(-PREDICTORS["popularity"](problem.evidence, visible), kind="stable"),
    )


def test_family_is_the_share_of_known_targets_weighed_by_identity() -> None:
    problem = with_homology([(0, 7), (1, 7), (1, 8)], [0.5, 0.8, 0.3])
    visible = np.zeros_like(problem.known)
    visible[2, [0, 1]] = True
    score = PREDICTORS["family"](problem.evidence, visible)[2]
    assert score[[7, 8]] == pytest.approx([(0.5 + 0.8) / 2, 0.3 / 2])
    assert score[[0, 1]] == pytest.approx([0, 0], abs=1e-5) and not score[9:].any()


@pytest.mark.parametrize("name", sorted(PREDICTORS))
def test_no_predictor_sees_what_is_held_out(problem: TargetProblem, name: str) -> None:
    """Scores depend on the visible targets alone, so two truths with one visible part score alike."""
    aside = next(held_out(problem.known, problem.evidence.structure_group, Holdout.pair))
    visible = problem.known & ~aside
    before = visible.copy()
    score = PREDICTORS[name](problem.evidence, visible)
    assert score.shape == problem.known.shape and np.isfinite(score).all()
    assert np.array_equal(visible, before)


def test_transfer_finds_the_target_of_the_most_similar_drugs(problem: TargetProblem) -> None:
    visible = problem.known.copy()
    visible[0] = False
    score = PREDICTORS["transfer"](problem.evidence, visible)
    assert np.argmax(score[0]) == np.flatnonzero(problem.known[0])[0]


def test_attention_finds_planted_targets_better_than_popularity(problem: TargetProblem) -> None:
    settings = Settings(members=1, steps=40, sampled_genes=20, heads=2, channels=8)
    rows = evaluate_targets(
        problem, ("attention", "popularity"), holdout=Holdout.drug, n_folds=3, settings=settings
    )
    found = {row["model"]: row for row in summary(rows)}
    assert found["attention"]["auroc"] > 0.95 > found["popularity"]["auroc"]
    assert found["popularity"]["p, auroc"] < 0.01


def test_attention_of_a_drug_sums_to_one_over_its_candidates(problem: TargetProblem) -> None:
    fitted = fit(problem.evidence, problem.known, seed=0, settings=QUICK)
    assert fitted.attention.sum(1) == pytest.approx(np.ones(len(problem.known)))
    assert fitted.attention.shape == problem.known.shape


def test_the_same_seed_gives_the_same_attention(problem: TargetProblem) -> None:
    first, again = (fit(problem.evidence, problem.known, seed=3, settings=QUICK).scores for _ in range(2))
    assert np.array_equal(first, again)


def test_attention_cannot_read_a_target_off_the_pair_itself(problem: TargetProblem) -> None:
    """A drug's own visible target reaches its score only by other drugs and other genes."""
    fitted = fit(problem.evidence, problem.known, seed=0, settings=QUICK)
    alone = np.zeros_like(problem.known)
    alone[0, 5] = True
    from pharmagraph.model.targets.attention import PairTensors

    pairs = PairTensors.of(problem.evidence, alone)
    features = fitted.members[0].features(pairs, torch.from_numpy(alone.astype(np.float32)))
    n_known = features[-6, 0, 5]
    assert not features[:-6, 0, 5].detach().any() and n_known.detach() > 0


def test_without_homology_nothing_of_it_is_left() -> None:
    evidence = with_homology([(0, 7), (1, 7)], [0.5, 0.8]).evidence
    full, bare = (e.gene_relations(np.arange(8)) for e in (evidence, evidence.without_homology()))
    place = evidence.relations.index("homology")
    assert full[place].any() and np.array_equal(np.delete(full, place, 0), bare)


def test_fewer_than_two_drugs_with_targets_is_said(problem: TargetProblem) -> None:
    alone = np.zeros_like(problem.known)
    alone[0, 0] = True
    with pytest.raises(ModelError, match="cli ingest targets"):
        fit(problem.evidence, alone, seed=0, settings=QUICK)


def test_an_unknown_scorer_is_answered_with_those_there_are(problem: TargetProblem) -> None:
    with pytest.raises(ModelError, match='no target scorer "trasnfer"; there are attention'):
        evaluate_targets(problem, ("trasnfer",))


def test_paired_figures_are_wilcoxon_over_structures(problem: TargetProblem) -> None:
    generator = np.random.default_rng(4)
    drugs = np.arange(24)
    metrics = ("auroc", "aupr", "recall@5", "recall@20", "mrr")
    a, b = (Recovery(drugs, {m: generator.random(24) for m in metrics}, {}) for _ in range(2))
    rows = {(r["metric"], r["grouping"]): r["value"] for r in paired([a], [b], problem)}
    assert rows["auroc", "paired_p"] == pytest.approx(
        wilcoxon(a.per_drug["auroc"], b.per_drug["auroc"]).pvalue
    )
    assert rows["auroc", "paired_difference"] == pytest.approx(
        (a.per_drug["auroc"] - b.per_drug["auroc"]).mean()
    )


def _truth(tmp_path: Path, text: str, **options: float) -> Truth:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    names = Names("drug", {"NSC1": ["erlotinib", "Tarceva"], "NSC2": ["gefitinib"]})
    gene_names = Names("gene", {"EGFR": (None, "ERBB1"), "TP53": (None, "7157")})
    return read_truth(
        path,
        drugs=["NSC1", "NSC2"],
        genes=["EGFR", "TP53"],
        names=names,
        gene_names=gene_names,
        **options,
    )


def test_truth_is_joined_by_any_name_and_by_symbol(tmp_path: Path) -> None:
    found = _truth(tmp_path, "drug,gene,active\ntarceva,ERBB1,1\nNSC-2,tp53,0\nunheard,EGFR,1\n")
    assert found.active.tolist() == [[True, False], [False, False]]
    assert found.inactive.tolist() == [[False, False], [False, True]]
    assert (found.n_shared, found.n_rows) == (2, 3)


def test_affinities_at_or_below_the_limit_are_active(tmp_path: Path) -> None:
    found = _truth(tmp_path, "drug,gene,affinity\nNSC1,EGFR,100\nNSC1,TP53,101\n", active_below=100.0)
    assert found.active.tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("drug,gene\naspirin,PTGS2\n", InputError, "its only row has not both a drug and a candidate gene"),
        ("drug,gene,active\nNSC1,EGFR,yes\n", RowError, 'row 2, column active: "yes" is not 0 or 1'),
        ("drug,gene,affinity\nNSC1,EGFR,-3\n", RowError, "is not an affinity in nmol/l"),
        ("drug,gene,active\nNSC1,EGFR,1\nNSC1,EGFR,0\n", RowError, "is active in one row and not in another"),
        ("drug,gene,active\nNSC1,EGFR,0\n", InputError, "its only shared pair is not active"),
        ("compound,gene\n", InputError, 'no column "drug"'),
    ],
)
def test_a_bad_truth_file_says_what_is_wrong(
    tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        _truth(tmp_path, text)


def test_pairs_of_the_truth_and_their_twins_are_hidden_from_training(problem: TargetProblem) -> None:
    evidence = problem.evidence
    twins = evidence.structure_group.copy()
    twins[4] = twins[0]
    from dataclasses import replace

    problem = replace(problem, evidence=replace(evidence, structure_group=twins))
    active = np.zeros_like(problem.known)
    active[0] = problem.known[0]
    assert problem.known[4, active[0]].all()  # drugs 0 and 4 are of one family
    seen: list[np.ndarray] = []

    def spy(evidence: object, visible: np.ndarray) -> np.ndarray:
        seen.append(visible)
        return visible.sum(0) + np.zeros(visible.shape)

    original = PREDICTORS["popularity"]
    PREDICTORS["popularity"] = spy
    try:
        evaluate_targets(problem, ("popularity",), truth=Truth(active, np.zeros_like(active), 1, 1))
    finally:
        PREDICTORS["popularity"] = original
    assert not seen[0][[0, 4]][:, active[0]].any() and seen[0].any()


def test_scores_of_a_fold_do_not_depend_on_what_is_held_out(problem: TargetProblem) -> None:
    aside = next(held_out(problem.known, problem.evidence.structure_group, Holdout.pair))
    from dataclasses import replace

    visible = problem.known & ~aside
    changed = replace(problem, known=visible)
    for model in ("attention", "factorisation"):
        first, second = (score_pairs(p, visible, model, settings=QUICK) for p in (problem, changed))
        assert np.array_equal(first, second)


def test_a_worked_drug_has_its_targets_hidden_and_ranked(problem: TargetProblem) -> None:
    first, second = work(problem, ["NSC1", "NSC2"], n_genes=5, settings=QUICK)
    assert first.drug == "NSC1" and first.n_candidates == 30 and len(first.genes) == 5
    for worked, drug in ((first, 0), (second, 1)):
        known = [str(s) for s in problem.evidence.symbols[problem.known[drug]]]
        assert [t["gene"] for t in worked.targets] == known
        listed = [g["gene"] for g in worked.genes]
        for target in worked.targets:
            assert (target["rank"] <= 5) == (target["gene"] in listed)
        # hidden from the fit: of the family's six drugs five are left that have it
        assert all(g["drugs"] == 5 for g in worked.genes if g["known"])
    with pytest.raises(NotFoundError, match='no drug "NSC0"'):
        work(problem, ["NSC0"], settings=QUICK)


def test_the_page_of_interpretation_is_fresh() -> None:
    assert page.PAGE.with_suffix(".md").read_text() == page.markdown(json.loads(page.PAGE.read_text()))


def test_the_page_shows_figures_and_what_was_missed(problem: TargetProblem) -> None:
    rows = evaluate_targets(problem, ("transfer", "popularity"), holdout=Holdout.drug, n_folds=3)
    scores = ("gene", "rank", "excess", "spread", "stability", "q", "known")
    worked = {
        "drug": "x",
        "genes": [
            {"gene": "EGFR", "excess": 9.0, "known": True, "drugs": 3},
            {"gene": "MYC", "excess": 2.0, "known": False, "drugs": 0},
        ],
        "targets": [{"gene": "EGFR", "rank": 1}, {"gene": "ERBB2", "rank": 1204}],
        "n_candidates": 6000,
        "run": {
            "genes": [
                dict(zip(scores, ("EGFR", 1, 5000.4, 0.031, 0.87, 0.05, True), strict=True)),
                dict(zip(scores, ("ERBB4", 2, 12.0, 0.002, 0.87, None, False), strict=True)),
            ],
            "n_held_out": 80, "n_sensitive": 9, "auroc": 0.8123,
            "misses": [{"cell_line": "HT-29", "tissue": None, "response": 1, "probability": 0.034}],
        },
    }  # fmt: skip
    made = {"command": "cli faithfulness", "commit": "c", "machine": "m"}
    faithful = {"ranking": "attention", "edges": 5, "deletion": 0.25, "deletion_ratio": 2.5, "insertion": 0.1}
    run = {
        "datasets": "GDSC1", "drugs": 32, "drugs_with_targets": 30, "stability": 0.915, "edges": 2000,
        "known": 40, "q_measured": True, "q_below": 70, "q_below_known": 5, "q_below_drugs": 18,
    }  # fmt: skip
    measured = {"command": "cli evaluate-targets", "commit": "c", "machine": "m", "rows": rows}
    text = page.markdown(
        {
            "measurements": [measured],
            "worked": [worked],
            "runs": [made | run],
            "faithfulness": [made | {"dataset": "GDSC1", "rows": [faithful]}],
        }
    )
    assert "| 1 | EGFR | 5000 | 0.031 | 0.87 | 0.05 | yes |" in text
    assert "| 2 | ERBB4 | 12 | 0.002 | 0.87 |  |  |" in text
    assert "Its 80 held-out cell lines, 9 of them sensitive: AUROC 0.812." in text
    assert "| HT-29 |  | sensitive | 0.03 |" in text
    assert "30 of 32 drugs have known targets; those were given and come first." in text
    assert "70 have q below 0.1, for 18 drugs; 5 of them are to known targets" in text
    assert "| attention | 5 | 0.250 | 2.500 | 0.100 |" in text
    assert "## All targets of a drug held out: " in text and "| transfer |" in text
    of_fold = [
        r["value"] for r in rows if (r["model"], r["metric"], r["grouping"]) == ("transfer", "mrr", "pooled")
    ]
    assert f"| {np.mean(of_fold):.3f} ± {np.std(of_fold, ddof=1):.3f} |" in text
    assert "1 of 2 known targets are among the first 2 of 6,000 genes" in text
    assert "ERBB2 (1,204)" in text and "by no source here a target: MYC" in text


def test_an_evaluation_that_was_cut_off_goes_on_and_says_the_same(
    problem: TargetProblem, tmp_path: Path
) -> None:
    models, file = ("attention", "popularity"), tmp_path / "finished.jsonl"
    asked = {"holdout": Holdout.drug, "n_folds": 3, "settings": QUICK}
    whole = evaluate_targets(problem, models, **asked)  # type: ignore[arg-type]
    evaluate_targets(problem, models, only=[1], finished=file, **asked)  # type: ignore[arg-type]
    with file.open("a") as lines:
        lines.write('{"of": "cut o')
    told: list[str] = []
    assert evaluate_targets(problem, models, finished=file, report=told.append, **asked) == whole  # type: ignore[arg-type]
    n_lines = len(file.read_text().splitlines())
    assert evaluate_targets(problem, models, finished=file, **asked) == whole  # type: ignore[arg-type]
    assert len(file.read_text().splitlines()) == n_lines == 2 * 3 + 1 and len(told) == 6


def test_figures_of_another_question_are_not_taken_for_this_one(
    problem: TargetProblem, tmp_path: Path
) -> None:
    file = tmp_path / "finished.jsonl"
    asked = {"n_folds": 3, "settings": QUICK, "finished": file}
    first, other = (evaluate_targets(problem, ("popularity",), seed=seed, **asked) for seed in (0, 1))  # type: ignore[arg-type]
    assert first != other


def test_rows_are_added_to_the_pages_file_in_place_of_older_ones(
    problem: TargetProblem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "interpretation.json")
    for seed in (0, 1):
        rows = evaluate_targets(problem, ("transfer", "popularity"), n_folds=3, seed=seed)
        (tmp_path / "rows.json").write_text(json.dumps(rows))
        page._add(str(tmp_path / "rows.json"), f"cli evaluate-targets --seed {seed}")
    document = json.loads((tmp_path / "interpretation.json").read_text())
    (measurement,) = document["measurements"]
    assert measurement["rows"] == rows and measurement["command"].endswith("--seed 1")
    assert {"commit", "machine"} <= set(measurement)
    assert (tmp_path / "interpretation.md").read_text() == page.markdown(document)
    lines = (tmp_path / "interpretation.json").read_text().splitlines()
    assert len(lines) < len(rows) + 20  # a row a line
