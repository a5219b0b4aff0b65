"""Free Cypher: what reads is answered, what writes, escapes or lacks a parameter is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pharmagraph.kg.errors import QueryError
from pharmagraph.kg.store import GraphStore


def test_rows_come_back_as_arrow_with_the_names_asked(small: GraphStore) -> None:
    table = small.query(
        "MATCH (d:Drug {id: $drug})-[t:TARGETS]->(g:Gene) RETURN DISTINCT g.id AS gene, $n + 1 AS n",
        {"drug": "ERLOTINIB", "n": 1},
    )
    assert table.to_pylist() == [{"gene": "EGFR", "n": 2}]
    nothing = small.query("MATCH (g:Gene {id: 'NONE'}) RETURN g.id AS gene")
    assert (nothing.num_rows, nothing.column_names) == (0, ["gene"])


@pytest.mark.parametrize(
    "cypher",
    [
        "CREATE (:Gene {id: 'X'})",
        "MERGE (:Gene {id: 'X'})",
        "MATCH (g:Gene) SET g.name = 'x'",
        "MATCH (g:Gene) DETACH DELETE g",
        "MATCH (g:Gene) WITH g CREATE (:Gene {id: g.id + '2'})",
        "UNWIND ['X'] AS id CREATE (:Gene {id: id})",
        "EXPLAIN CREATE (:Gene {id: 'X'})",
        "PROFILE CREATE (:Gene {id: 'X'})",
        "/* read */ CREATE (:Gene {id: 'X'})",
        "MATCH (g:Gene) RETURN g.id; CREATE (:Gene {id: 'X'})",
        "COMMIT; CREATE (:Gene {id: 'X'})",
        "RETURN 1; COMMIT; CREATE (:Gene {id: 'X'})",
        "RETURN 'a\\';'; COMMIT; CREATE (:Gene {id: 'X'})",
        "DROP TABLE Gene",
        "BEGIN TRANSACTION",
        "",
        "  // nothing but a comment",
    ],
)
def test_a_query_that_would_write_is_refused_and_writes_nothing(small: GraphStore, cypher: str) -> None:
    genes = small.read_nodes("Gene")
    with pytest.raises(QueryError):
        small.query(cypher)
    assert small.read_nodes("Gene").equals(genes)


@pytest.mark.parametrize(
    "cypher",
    [
        "COPY (MATCH (g:Gene) RETURN g.id) TO 'out.csv'",
        "EXPLAIN COPY (MATCH (g:Gene) RETURN g.id) TO 'out.csv'",
        "EXPORT DATABASE 'out'",
        "LOAD FROM 'in.csv' RETURN *",
        "MATCH (g:Gene) LOAD FROM 'in.csv' RETURN *",
        "LOAD CSV FROM 'file:///in.csv' AS row RETURN row",
        "MATCH (g:Gene) LOAD CSV FROM 'file:///in.csv' AS row RETURN row",
        "INSTALL json",
        "ATTACH 'other.lbug' AS other (dbtype lbug)",
        "CALL threads = 1",
        "MATCH (g:Gene) WITH g LIMIT 1 LOAD WITH HEADERS (line STRING) FROM 'in.csv' RETURN line",
        "MATCH (g:Gene) LOA\\u0044 CSV FROM 'file:///in.csv' AS row RETURN row",
        "RETURN '\\u0027 LOAD CSV FROM \\u0027file:///in.csv' AS row",
        "MATCH (g:Gene) /* // */ LOAD FROM 'in.csv' RETURN *",
        "// one line\rLOAD FROM 'in.csv' RETURN *",
        "MATCH (g:Gene)\u00a0RETURN g.id",
        "MATCH (g:Gene)\u2028RETURN g.id",
        "MATCH (g:Gene) RETURN g.id AS \u0131d",
        "MATCH (g:Gene) RETURN 'open",
        "MATCH (g:Gene) RETURN g.id /* open",
        "CALL dbms.listConfig()",
        "CALL dbms . killConnections(['a'])",
        "CALL db.clearQueryCaches()",
        "CALL `dbms`.`listConfig`()",
        "MATCH (g:Gene) CALL dbms.listConfig() YIELD name RETURN name",
        "CALL READ_CSV_SERIAL('in.csv') RETURN *",
        "CALL READ_CSV_PARALLEL('in.csv') RETURN *",
        "CALL READ_PARQUET('in.csv') RETURN *",
        "CALL READ_NPY('in.csv') RETURN *",
    ],
)
def test_a_query_touches_no_file_and_no_setting(small: GraphStore, cypher: str) -> None:
    Path("in.csv").write_text("a\n1\n")
    with pytest.raises(QueryError):
        small.query(cypher)
    assert sorted(p.name for p in Path().iterdir() if p.name.startswith("out")) == []


def test_words_of_the_language_are_fine_as_values_and_names(small: GraphStore) -> None:
    found = small.query("MATCH (g:Gene) WHERE g.id <> 'SET; DELETE' RETURN count(*) AS `create`; // CREATE")
    assert found.to_pylist() == [{"create": 4}]
    assert small.query("RETURN 'LOAD CSV; é' AS `load é` // → é").to_pylist() == [{"load é": "LOAD CSV; é"}]


def test_an_unbound_parameter_is_an_error_and_not_null(small: GraphStore) -> None:
    with pytest.raises(QueryError, match=r"the query needs \$gene; give gene=VALUE"):
        small.query("MATCH (g:Gene {id: $gene}) RETURN g.id", {})
    with pytest.raises(QueryError, match=r"has no parameter \$limit; it has \$gene"):
        small.query("MATCH (g:Gene {id: $gene}) RETURN g.id", {"gene": "EGFR", "limit": 3})
    assert small.query("RETURN '$gene' AS text // $gene").to_pylist() == [{"text": "$gene"}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([1, 2]), [1, 2]),
        ([np.int64(1), np.int64(2)], [1, 2]),
        (("a", "b"), ["a", "b"]),
        ("a'b\\\"; RETURN 1", "a'b\\\"; RETURN 1"),
        (2**40, 2**40),
        (-(2**63), -(2**63)),
        (True, True),
    ],
)
def test_parameters_of_numpy_and_python_are_bound_as_values(
    small: GraphStore, value: Any, expected: Any
) -> None:
    answer = small.query("RETURN $value AS value", {"value": value})["value"][0].as_py()
    assert answer == expected
    assert type(answer) is type(expected)


@pytest.mark.parametrize("value", [[], [None], [None, "EGFR"]])
def test_lists_that_crash_the_engine_unguarded_are_bound(small: GraphStore, value: list[Any]) -> None:
    found = small.query("MATCH (g:Gene) WHERE g.id IN $ids RETURN g.id AS id", {"ids": value})
    assert found["id"].to_pylist() == [v for v in value if v]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**63, "does not fit a 64-bit integer"),
        ([1, "a"], "may not mix numbers and text"),
        ([{"a": 1}, {"b": 2}], "must have the same keys"),
        (object(), "a object is not a query parameter"),
        ("a\ud800", "not valid Unicode"),
    ],
)
def test_parameters_without_a_type_in_the_engines_are_refused(
    small: GraphStore, value: Any, message: str
) -> None:
    with pytest.raises(QueryError, match=rf"\$value: .*{message}"):
        small.query("RETURN $value AS value", {"value": value})


def test_any_name_can_be_a_parameter(small: GraphStore) -> None:
    for name in ("statement", "self", "rows", "parameters"):
        assert small.query(f"RETURN ${name} AS x", {name: 1}).to_pylist() == [{"x": 1}]


def test_wrong_cypher_is_one_line(small: GraphStore) -> None:
    for cypher in ("MATCH (g:Gene RETURN g", "MATCH (g:Gene) RETURN h.id", "RETURN nonsense(1)"):
        with pytest.raises(QueryError) as caught:
            small.query(cypher)
        assert "\n" not in str(caught.value)
