"""PubMed's E-utilities on loopback, for tests: counts by term, and faults on demand."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

from pharmagraph.model.biology.literature import ALL_RECORDS

COUNTS = {
    ALL_RECORDS: 1_000_000,
    '"erlotinib"[tiab]': 2_000,
    '"EGFR"[tiab]': 10_000,
    '"erlotinib"[tiab] AND "EGFR"[tiab]': 900,
    '"TP53"[tiab]': 30_000,
    '"erlotinib"[tiab] AND "TP53"[tiab]': 60,
}


class FakePubMed(ThreadingHTTPServer):
    """Answers from ``COUNTS``; ``faults`` are statuses that the next requests get instead."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, str]] = []
        self.faults: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakePubMed

    def do_GET(self) -> None:
        query = {k: v[0] for k, v in parse_qs(urlparse(self.path).query).items()}
        self.server.asked.append(query)
        status = self.server.faults.pop(0) if self.server.faults else 200
        term = query["term"]
        if status == 200 and term == "limited":
            body: dict[str, object] = {"error": "API rate limit exceeded"}
        elif status == 200 and term in COUNTS:
            body = {"esearchresult": {"count": str(COUNTS[term])}}
        elif status == 200 and term == "[":
            body = {"esearchresult": {"ERROR": "Invalid query"}}
        else:  # PubMed then searches the words apart, and says so
            body = {"esearchresult": {"count": "77", "warninglist": {"quotedphrasesnotfound": [term]}}}
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass
