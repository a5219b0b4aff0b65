"""Asks some questions of `questions.yaml` as an assistant's client does, and prints the calls and answers as Markdown.

    python -m benchmarks.transcript --store ladybug://pharmagraph.lbug [--question TEXT]…

The client is that of the protocol's package; the server is `cli mcp` in a process of its own. Long answers are cut.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.questions import missing, questions

ROWS, CHARACTERS = 5, 1200
ASKED = (
    "How sensitive is A375 to trametinib, measured and predicted?",
    "Is dabrafenib stronger in lines with a BRAF mutation, and how sure is that?",
    "What would lapatinib do in BT-474 without ERBB2?",
)


async def transcript(store: str | None, asked: Sequence[str]) -> str:
    """The questions, and what was called and answered.

    Parameters
    ----------
    store
        As of every command.
    asked
        Questions of the file, word for word.
    """
    from mcp import Client, StdioServerParameters, stdio_client

    of = {one["question"]: one for one in questions()}
    words = ["-m", "pharmagraph.cli", "mcp", *(["--store", store] if store else [])]
    parts = []
    async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=words))) as client:
        tools = (await client.list_tools()).tools
        parts.append(f"The server offers {len(tools)} tools.")
        for question in asked:
            parts.append(f"## {question}")
            answer: Any = None
            for call in of[question]["calls"]:
                given = call.get("arguments", {})
                result = await client.call_tool(call["tool"], given)
                answer = result.structured_content
                said = result.content[0].text if result.is_error else shortened(answer)
                parts += [
                    f"`{call['tool']}` {json.dumps(given, ensure_ascii=False)}", f"```json\n{said}\n```",
                ]  # fmt: skip
            refused = of[question].get("error")
            right = refused is not None and result.is_error and refused in said
            lacking = "" if right else missing(of[question], answer)
            parts.append(
                f"Lacking: {lacking}." if lacking else "The answer holds what the question asks for."
            )
    return "\n\n".join(parts) + "\n"


def shortened(answer: Any) -> str:
    """An answer as JSON, with the first of its rows and four digits of its numbers."""

    def cut(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.4g}")
        if isinstance(value, list):
            more = [f"… {len(value) - ROWS} more"] if len(value) > ROWS else []
            return [cut(one) for one in value[:ROWS]] + more
        return {name: cut(one) for name, one in value.items()} if isinstance(value, dict) else value

    lines = []
    for name, value in cut(answer).items():
        if isinstance(value, list):
            rows = ",\n    ".join(json.dumps(one, ensure_ascii=False) for one in value)
            lines.append(f'  "{name}": [\n    {rows}\n  ]' if rows else f'  "{name}": []')
        else:
            text = json.dumps(value, ensure_ascii=False)
            lines.append(f'  "{name}": {text if len(text) <= CHARACTERS else text[:CHARACTERS] + " …"}')
    return "{\n" + ",\n".join(lines) + "\n}"


def main() -> None:
    """Print the transcript."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--store")
    parser.add_argument("--question", action="append", choices=[one["question"] for one in questions()])
    given = parser.parse_args()
    print(asyncio.run(transcript(given.store, given.question or ASKED)), end="")


if __name__ == "__main__":
    main()
