"""The explorer's answers for programs: JSON under ``/api``, described by ``/api/openapi.json``.

A route is a tool of `pharmagraph.tools`, with the same limits. Parameters are checked by pydantic models, which are
made of the tool's own signature and of a named query's header; the OpenAPI document is made of the same models.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from pharmagraph.cypher import catalogue
from pharmagraph.cypher.catalogue import Query
from pharmagraph.kg.errors import NotFoundError, PharmagraphError, QueryError, StoreError
from pharmagraph.tools import Answer, Tools

if TYPE_CHECKING:
    from flask import Flask, Response

PREFIX = "/api"
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Route:
    """One address of the API.

    Attributes
    ----------
    path
        After ``/api``.
    method
        ``GET`` with parameters in the address, or ``POST`` with a JSON object.
    about
        What it answers.
    model
        Its parameters.
    answer
        Called with them.
    """

    path: str
    method: str
    about: str
    model: type[BaseModel]
    answer: Callable[..., Answer]


def routes(store_url: str | None) -> list[Route]:
    """All routes on a store."""
    tools = Tools(store_url)
    reading = (
        tools.describe,
        tools.find,
        tools.node,
        tools.neighbours,
        tools.explain,
        tools.compare,
        tools.suggest,
    )
    asking = (tools.predict, tools.what_if, tools.cypher)
    return [
        *(_of_tool(tool, "GET") for tool in reading),
        *(_of_tool(tool, "POST") for tool in asking),
        *(_of_query(tools, query) for query in catalogue.catalogue().values()),
    ]


def register(server: Flask, store_url: str | None) -> None:
    """Add the API to the explorer's server."""
    from flask import jsonify

    all_routes = routes(store_url)
    document = openapi(all_routes)
    server.add_url_rule(f"{PREFIX}/openapi.json", "openapi", lambda: jsonify(document))
    server.add_url_rule(f"{PREFIX}/<path:path>", "no route", _no_route)
    for route in all_routes:
        server.add_url_rule(PREFIX + route.path, route.path, _view(route), methods=[route.method])


def openapi(all_routes: list[Route]) -> dict[str, Any]:
    """The OpenAPI document of routes."""
    refused = {
        "description": "What is wrong, in one line",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                }
            }
        },
    }
    answers = {
        "200": {
            "description": "The answer",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        **dict.fromkeys(("400", "404", "503"), refused),
    }
    paths = {
        PREFIX + r.path: {r.method.lower(): {"summary": r.about, "responses": answers} | _parameters(r)}
        for r in all_routes
    }
    about = "Reads the graph and its runs. Predictions and attention are hypotheses of one screen."
    return {
        "openapi": "3.1.0",
        "info": {"title": "pharmagraph", "version": "1", "description": about},
        "paths": paths,
    }


def _parameters(route: Route) -> dict[str, Any]:
    schema = route.model.model_json_schema()
    if route.method == "POST":
        return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    required = schema.get("required", [])
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": _plain(of)}
            for name, of in schema.get("properties", {}).items()
        ]
    }


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a parameter in an address, which is there or is left out, and never null."""
    kinds = [of for of in schema.get("anyOf", []) if of.get("type") != "null"]
    rest = {k: v for k, v in schema.items() if k not in ("anyOf", "title", "default")}
    return rest | (kinds[0] if kinds else {})


def _of_tool(tool: Callable[..., Answer], method: str) -> Route:
    fields = {
        p.name: (p.annotation, ... if p.default is inspect.Parameter.empty else p.default)
        for p in inspect.signature(tool, eval_str=True).parameters.values()
    }
    path = "/" + {"find": "search"}.get(tool.__name__, tool.__name__.replace("_", "-"))
    about = (inspect.getdoc(tool) or "").partition("\n")[0]
    return Route(path, method, about, create_model(tool.__name__, __config__=_STRICT, **fields), tool)  # type: ignore[call-overload]


def _of_query(tools: Tools, query: Query) -> Route:
    fields: dict[str, Any] = {}
    for p in query.parameters:
        about = Field(description=p.about, ge=0 if p.type == "integer" else None)
        fields[p.name] = (Annotated[p.annotation, about], ... if p.default is None else None)
    model = create_model(query.name.replace("-", "_"), __config__=_STRICT, **fields)
    return Route(
        f"/query/{query.name}", "GET", query.about, model, lambda **given: tools.query(query.name, given)
    )


def _view(route: Route) -> Callable[[], tuple[Response, int]]:
    from flask import jsonify

    def view() -> tuple[Response, int]:
        try:
            given = route.model.model_validate(_given(route))
            found = route.answer(**{name: getattr(given, name) for name in route.model.model_fields})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the request"
            return jsonify({"error": f"{place}: {first['msg']}"}), 400
        except PharmagraphError as error:
            return jsonify({"error": str(error)}), _status(error)
        return jsonify(found), 200

    return view


def _no_route(path: str) -> tuple[Response, int]:
    from flask import jsonify

    return jsonify({"error": f'no route "{path}"; {PREFIX}/openapi.json lists all'}), 404


def _given(route: Route) -> Any:
    from flask import request

    if route.method == "POST":
        return request.get_json(force=True, silent=True)
    repeated = request.args.to_dict(flat=False)
    return {name: values[0] if len(values) == 1 else values for name, values in repeated.items()}


def _status(error: PharmagraphError) -> int:
    if isinstance(error, NotFoundError):
        return 404
    return 503 if isinstance(error, StoreError) and not isinstance(error, QueryError) else 400
