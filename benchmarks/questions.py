"""Asks every question of `questions.yaml` through the tools of `cli mcp` alone, and checks the answers.

    python -m benchmarks.questions --store ladybug://pharmagraph.lbug [--format table|json]

A question is answered if its last call's answer holds what the file says; it may take three calls. Some answers belong
to a graph of their own: the file's questions are asked of the golden tests' slice of GDSC1.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from pharmagraph.kg.console import Format, print_rows

MOST_CALLS = 3
QUESTIONS = Path(__file__).with_name("questions.yaml")


def questions() -> list[dict[str, Any]]:
    """The questions, as the file has them."""
    found: list[dict[str, Any]] = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    return found


async def ask(client: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    """One question: ``wrong`` says what is missing in its answer, and is empty where nothing is."""
    begun = time.perf_counter()
    calls = question["calls"]
    answer: Any = None
    for n, call in enumerate(calls, 1):
        result = await client.call_tool(call["tool"], call.get("arguments", {}))
        answer = result.structured_content
        if result.is_error:
            said = result.content[0].text
            wanted = n == len(calls) and "error" in question and question["error"] in said
            return _row(question, begun, "" if wanted else f"{call['tool']}: {said}")
    return _row(question, begun, missing(question, answer))


def missing(question: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """What the last answer lacks; empty where it holds all that the question asks for."""
    if "error" in question:
        return "was not refused"
    if len(question["calls"]) > MOST_CALLS:
        return f"takes {len(question['calls'])} calls"
    if "path" in question:
        value: Any = answer
        for step in question["path"].split("."):
            value = value[int(step)] if isinstance(value, list) else value.get(step)
        return "" if value not in (None, [], {}) else f"no {question['path']}"
    rows = answer["rows"]
    if not rows:
        return "" if question.get("may_be_empty") else "no rows"
    lacking = [name for name in question.get("columns", []) if name not in rows[0]]
    if lacking:
        return f"no column {', '.join(lacking)}"
    has = question.get("has", {})
    if not any(all(row.get(k) == v for k, v in has.items()) for row in rows):
        return f"no row with {has}"
    return ""


def _row(question: Mapping[str, Any], begun: float, wrong: str) -> dict[str, Any]:
    seconds = round(time.perf_counter() - begun, 2)
    return {
        "question": question["question"],
        "calls": len(question["calls"]),
        "seconds": seconds,
        "wrong": wrong,
    }


async def ask_all(store_url: str | None) -> list[dict[str, Any]]:
    """Every question, asked of a server on a store by the protocol's own client."""
    from mcp import Client

    from pharmagraph.assistant.server import make_server

    async with Client(make_server(store_url)) as client:
        return [await ask(client, question) for question in questions()]


def answers(store_url: str | None) -> list[dict[str, Any]]:
    """As `ask_all`, from code that does not wait; in a thread, since the caller's may have an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask_all(store_url)).result()


def main() -> None:
    """Print a row a question, and fail if one has no answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--store")
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    given = parser.parse_args()
    rows = answers(given.store)
    print_rows(rows, given.format)
    if any(row["wrong"] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
