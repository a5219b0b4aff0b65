"""Attention tables → rank, percentile, excess, and values for base edges, against pandas and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from pharmagraph.kg import attention
from pharmagraph.kg.errors import InputError

DRUG_GENE = ("Drug", "Gene")


def table(rows: list[tuple[str, str, float, int]]) -> pa.Table:
    src, dst, weight, competitors = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        {
            "src": pa.array(src, pa.string()),
            "dst": pa.array(dst, pa.string()),
            "weight": pa.array(weight, pa.float64()),
            "competitors": pa.array(competitors, pa.int64()),
        }
    )


def test_scores_of_a_small_relation_are_those_by_hand() -> None:
    scored = attention.scores(
        table([("B", "x", 1.0, 1), ("A", "x", 0.25, 4), ("A", "y", 0.5, 4), ("A", "w", 0.25, 4)])
    )
    assert scored.to_pylist() == [
        {"src": "A", "dst": "y", "weight": 0.5, "rank": 1, "percentile": 50.0, "excess": 2.0},
        {"src": "A", "dst": "w", "weight": 0.25, "rank": 2, "percentile": 0.0, "excess": 1.0},
        {"src": "A", "dst": "x", "weight": 0.25, "rank": 3, "percentile": 0.0, "excess": 1.0},
        {"src": "B", "dst": "x", "weight": 1.0, "rank": 1, "percentile": 75.0, "excess": 1.0},
    ]


edges = st.dictionaries(
    st.tuples(st.sampled_from("ABC"), st.sampled_from("stuvwxyz")),
    st.tuples(st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0]), st.integers(1, 9)),
    min_size=1,
    max_size=24,
)


@settings(max_examples=60, deadline=None)
@given(edges)
def test_scores_agree_with_pandas_and_scipy(found: dict[tuple[str, str], tuple[float, int]]) -> None:
    rows = [(s, d, w, n) for (s, d), (w, n) in found.items()]
    scored = attention.scores(table(rows)).to_pandas()
    frame = pd.DataFrame(rows, columns=["src", "dst", "weight", "competitors"]).sort_values(["src", "dst"])
    frame["rank"] = frame.groupby("src")["weight"].rank(method="first", ascending=False).astype(int)
    frame["percentile"] = [percentileofscore(frame["weight"], w, kind="strict") for w in frame["weight"]]
    frame["excess"] = frame["weight"] * frame["competitors"]
    expected = frame.sort_values(["src", "rank"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(scored, expected[list(scored.columns)], check_dtype=False)


def test_a_hub_does_not_win_by_default() -> None:
    # one edge always has attention 1: excess makes it 1, no preference
    scored = attention.scores(table([("A", "x", 1.0, 1), *(("B", f"g{i}", 0.1, 10) for i in range(10))]))
    assert scored["excess"].to_pylist() == pytest.approx([1.0] * 11)


def test_strongest_keeps_k_a_source() -> None:
    rows = [(s, f"g{i}", 1 / (i + 1), 9) for s in "AB" for i in range(9)] + [("C", "g0", 1.0, 1)]
    kept = attention.strongest(attention.scores(table(rows)), 3)
    assert kept["dst"].to_pylist() == ["g0", "g1", "g2"] * 2 + ["g0"]


@pytest.mark.parametrize("name", attention.KEPT)
def test_what_stands_beside_the_weight_is_carried_along_in_the_order_of_rank(name: str) -> None:
    values = {"objective": ["target"] * 2, "feature": ["mutation", "expression"]}.get(name, [0.1, 0.2])
    given = table([("A", "x", 0.25, 2), ("A", "y", 0.75, 2)]).append_column(name, pa.array(values))
    assert attention.scores(given)[name].to_pylist() == values[::-1]


def both_objectives() -> pa.Table:
    """A drug that attends to two genes as targets and to three features, another to one of each."""
    rows = [
        ("A", "x", 0.75, 2),
        ("A", "y", 0.25, 2),
        ("A", "x", 0.5, 4),
        ("A", "x", 0.25, 4),
        ("A", "z", 0.25, 4),
    ]
    features = [None, None, "mutation", "expression", "expression", None, "copy_number"]
    objectives = [None, "target", *["response"] * 3, "target", "response"]
    columns = {"objective": objectives, "feature": features, "effect": [f and 0.5 for f in features]}
    given = table([*rows, ("B", "x", 1.0, 1), ("B", "y", 1.0, 1)])
    for name, values in columns.items():
        given = given.append_column(name, pa.array(values))
    return attention.with_objective(DRUG_GENE, given)


def test_ranks_and_percentiles_are_within_an_objective() -> None:
    found = [
        (r["src"], r["objective"], r["dst"], r["feature"], r["rank"], r["percentile"])
        for r in attention.scores(both_objectives()).to_pylist()
    ]
    assert found == [
        ("A", "target", "x", None, 1, pytest.approx(100 / 3)),
        ("A", "target", "y", None, 2, 0),
        ("A", "response", "x", "mutation", 1, 50),
        ("A", "response", "x", "expression", 2, 0),
        ("A", "response", "z", "expression", 3, 0),
        ("B", "target", "x", None, 1, pytest.approx(200 / 3)),
        ("B", "response", "y", "copy_number", 1, 75),
    ]
    kept = attention.strongest(attention.scores(both_objectives()), 1)
    assert kept["objective"].to_pylist() == ["target", "response"] * 2


def test_a_table_without_objectives_is_attention_to_targets() -> None:
    old = table([("A", "x", 0.5, 2), ("A", "y", 0.5, 2)])
    assert attention.with_objective(DRUG_GENE, old)["objective"].to_pylist() == ["target"] * 2
    assert attention.of_objective(old, "target").num_rows == 2
    assert attention.of_objective(old, "response").num_rows == 0
    assert attention.with_objective(("CellLine", "Gene"), old) == old


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"objective": "toxicity"}, 'A → x has the objective "toxicity"; there are target, response'),
        (
            {"objective": "response", "feature": "shape"},
            'has the feature "shape"; there are expression, mutation',
        ),
        ({"objective": "response"}, "A → x has the objective response and no feature"),
        ({"feature": "mutation"}, "A → x has a value of feature, which only the objective response has"),
        ({"effect": 0.5}, "has a value of effect"),
    ],
)
def test_objectives_features_and_effects_go_together(columns: dict[str, object], message: str) -> None:
    given = table([("A", "x", 0.5, 2)])
    for name, value in columns.items():
        given = given.append_column(name, pa.array([value]))
    with pytest.raises(InputError, match=message):
        attention.all_relations({DRUG_GENE: given})


def test_base_edges_carry_attention_to_targets_or_to_the_feature_that_they_hold() -> None:
    targets = attention.on_base_edges("TARGETS", DRUG_GENE, both_objectives()).to_pylist()
    assert [(r["src"], r["dst"], r["attention"]) for r in targets] == [
        ("A", "x", 0.75), ("A", "y", 0.25), ("B", "x", 1.0),
    ]  # fmt: skip
    of_line = table([("C", "x", 0.5, 4), ("C", "x", 0.25, 4), ("C", "x", 0.125, 4), ("C", "y", 0.125, 4)])
    of_line = of_line.append_column("objective", pa.array(["response", "response", None, None]))
    of_line = of_line.append_column("feature", pa.array(["expression", "mutation", None, None]))
    expected = {"EXPRESSES": 0.5, "MUTATED": 0.25, "COPY_NUMBER": 0.125, "METHYLATED": 0.125}
    for type_, of_x in expected.items():
        rows = attention.on_base_edges(type_, ("CellLine", "Gene"), of_line).to_pylist()
        assert {r["dst"]: r["attention"] for r in rows} == {"x": of_x, "y": 0.125} and len(rows) == 2


def test_an_attention_table_has_the_columns_and_types_that_are_stated_once() -> None:
    made = attention.attention_table(
        {
            "q": np.array([0.5, np.nan]),
            "weight": np.array([0.25, 0.75], np.float32),
            "dst": pa.array(["x", "y"]),
            "src": pa.array(["A", "A"]).dictionary_encode(),
            "competitors": pa.array([2, 2], pa.int32()),
        }
    )
    assert made.column_names == ["src", "dst", "weight", "competitors", "q"]
    assert made.schema.types[1:] == [pa.string(), pa.float64(), pa.int64(), pa.float64()]
    assert made["q"].to_pylist() == [0.5, None] and attention.scores(made)["q"].to_pylist() == [None, 0.5]
    ends = {"src": pa.array(["A"]), "dst": pa.array(["x"]), "weight": np.array([1.0])}
    with pytest.raises(InputError, match="needs the column competitors: edges in the same softmax"):
        attention.attention_table(ends)
    with pytest.raises(InputError, match="has no column rank; it has src, dst, weight"):
        attention.attention_table(ends | {"competitors": np.array([1]), "rank": np.array([1])})


def test_an_empty_relation_has_no_scores() -> None:
    assert attention.scores(table([])).num_rows == 0


@pytest.mark.parametrize(
    ("weight", "competitors", "message"),
    [
        (float("nan"), 2, "attention of A → x is nan, not a share between 0 and 1"),
        (-0.1, 2, r"is -0\.1"),
        (1.1, 2, r"is 1\.1"),
        (0.5, 0, "fewer than one competitor"),
    ],
)
def test_what_is_no_attention_is_refused(weight: float, competitors: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        attention.scores(table([("A", "x", weight, competitors)]))


def test_rounding_above_one_is_taken_as_one() -> None:
    assert attention.scores(table([("A", "x", 1 + 1e-7, 1)]))["weight"].to_pylist() == [1.0]


def test_base_edges_between_unlike_nodes_take_the_weight() -> None:
    values = attention.on_base_edges("TARGETS", DRUG_GENE, table([("Z", "A", 0.25, 4)]))
    assert values.to_pylist() == [{"src": "Z", "dst": "A", "attention": 0.25}]


def test_base_edges_between_like_nodes_take_the_mean_of_both_directions() -> None:
    rows = [("B", "A", 0.5, 2), ("A", "B", 0.25, 3), ("C", "A", 0.125, 2)]
    values = attention.on_base_edges("SIMILAR_TO", ("Drug", "Drug"), table(rows)).sort_by("dst").to_pylist()
    assert values == [
        {"src": "A", "dst": "B", "attention": 0.375},
        {"src": "A", "dst": "C", "attention": 0.125},
    ]


def test_relations_that_attends_does_not_join_are_refused() -> None:
    with pytest.raises(InputError, match="ATTENDS does not join Gene→Gene"):
        attention.all_relations({("Gene", "Gene"): table([("A", "B", 0.5, 2)])})
    empty = {("Drug", "Gene"): table([])}
    assert attention.all_relations(empty) == {}


def test_a_million_edges_are_scored_in_seconds() -> None:
    rng = np.random.default_rng(0)
    n = 1_000_000
    big = pa.table(
        {
            "src": np.char.add("C", rng.integers(0, 960, n).astype(str)),
            "dst": np.char.add("G", rng.integers(0, 6000, n).astype(str)),
            "weight": rng.random(n),
            "competitors": np.full(n, 1000),
        }
    )
    scored = attention.scores(big)
    assert scored.num_rows == n
    assert (scored["rank"].to_numpy() == 1).sum() == 960
