"""The API answers as its own document says, whatever is asked, and as the library does."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings

import pharmagraph as pg
from pharmagraph.cypher import catalogue
from pharmagraph.explorer import api
from tests.explorer.conftest import DRUG, GENE, LINE

pytestmark = pytest.mark.once

EXAMPLES = 3
"""Random requests a route; a change of the API is tried with 100."""


@pytest.fixture(scope="module")
def server(screen: Any) -> Flask:
    """The API on the screen, without the pages."""
    made = Flask("api")
    api.register(made, f"ladybug://{screen}")
    return made


@pytest.fixture(scope="module")
def document(server: Flask) -> Any:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", server)


@pytest.mark.parametrize("route", api.routes(None), ids=lambda route: route.path)
def test_every_route_answers_as_the_document_says(document: Any, route: api.Route) -> None:
    operation = document[f"/api{route.path}"][route.method]

    @given(case=operation.as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def answers(case: schemathesis.Case) -> None:
        # no schema can say which Cypher, names or pairs of parameters make sense
        case.call_and_validate(excluded_checks=[schemathesis.checks.positive_data_acceptance])

    answers()


def asked(server: Flask, path: str, **given: Any) -> tuple[int, Any]:
    answer = server.test_client().get(f"/api/{path}", query_string=given)
    return answer.status_code, answer.get_json()


def test_there_is_a_route_for_each_query_and_each_is_described(server: Flask) -> None:
    _, found = asked(server, "openapi.json")
    assert {f"/api/query/{name}" for name in catalogue.catalogue()} <= set(found["paths"])
    for path, methods in found["paths"].items():
        for method in methods.values():
            assert method["summary"], path


def test_a_named_query_is_the_librarys(server: Flask, screen: Any) -> None:
    code, found = asked(server, "query/responses", drug=DRUG, limit=4)
    with pg.open_store(f"ladybug://{screen}", read_only=True) as store:
        expected = pg.query(store, "responses", drug=DRUG, limit=4)
    assert code == 200
    assert [row["cell_line"] for row in found["rows"]] == list(expected["cell_line"])
    assert [row["ln_ic50"] for row in found["rows"]] == list(expected["ln_ic50"])


def test_a_prediction_is_the_librarys(server: Flask, screen: Any) -> None:
    pair = {"drugs": [DRUG], "cell_lines": [LINE], "limit": 1}
    found = server.test_client().post("/api/predict", json=pair).get_json()
    with pg.open_store(f"ladybug://{screen}", read_only=True) as store:
        expected = pg.Run.open(store).predict(DRUG, LINE)
    assert found["rows"][0]["probability"] == pytest.approx(expected["probability"][0], rel=1e-6)


def test_neighbours_are_strongest_first_and_of_one_relation(server: Flask) -> None:
    _, found = asked(server, "neighbours", kind="Drug", name=DRUG, relation="TARGETS Gene", limit=3)
    assert found["rows"] and {row["label"] for row in found["rows"]} == {"Gene"}
    _, all_ = asked(server, "neighbours", kind="Gene", name=GENE, limit=2)
    assert len({row["relation"] for row in all_["rows"]}) > 1


@pytest.mark.parametrize(
    ("path", "parameters", "code", "said"),
    [
        ("nowhere", {}, 404, "openapi.json"),
        ("node", {"kind": "Drug", "name": "synthetc-drug-0001"}, 404, "did you mean"),
        ("node", {"kind": "Run", "name": "x"}, 404, "there are Drug"),
        ("node", {"kind": "Drug"}, 400, "name: Field required"),
        ("query/responses", {"drug": DRUG, "limit": "many"}, 400, "limit"),
        ("query/responses", {"drug": DRUG, "nonsense": "1"}, 400, "nonsense"),
        ("query/responses", {"drug": ["a", "b"]}, 400, "drug"),
        ("neighbours", {"kind": "Drug", "name": DRUG, "relation": "LIKES"}, 404, "TARGETS Gene"),
        ("compare", {"by": "../groups.csv"}, 400, "by is"),
        ("explain", {"drug": DRUG, "run": "none"}, 404, "no run"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    server: Flask, path: str, parameters: dict[str, Any], code: int, said: str
) -> None:
    got, answer = asked(server, path, **parameters)
    assert got == code and said in answer["error"] and "\n" not in answer["error"]


def test_a_store_that_is_gone_is_said() -> None:
    made = Flask("gone")
    api.register(made, "ladybug://nowhere/at-all.lbug")
    code, answer = asked(made, "describe")
    assert code == 503 and "at-all.lbug" in answer["error"]
