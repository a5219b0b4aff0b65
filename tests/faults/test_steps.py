"""Steps are a line of JSON each, spans, and a file in the run's folder; none of them fails a command."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pharmagraph.kg import steps
from pharmagraph.model.runs.learning_curve import learning_curve
from tests.cli.typed import typed
from tests.faults.conftest import command, one_line


def rows(stderr: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]


def test_each_step_of_an_ingest_is_a_line_with_its_counts(tmp_path: Path) -> None:
    words = ("ingest", "synthetic", "--drugs", "12", "--cells", "16", "--genes", "40", "--quiet")
    done = typed("--log-format", "json", *words)
    found = {str(row["step"]): row for row in rows(done.stderr)}
    assert found["load Drug"]["rows"] == found["load Drug"]["inserted"] == 12
    assert found["load Drug-TESTED_ON-CellLine"]["inserted"] == found["load Drug-TESTED_ON-CellLine"]["rows"]
    whole = found["cli ingest synthetic"]
    assert list(found)[-1] == whole["step"] and "failed" not in whole
    assert all(
        row["level"] == "info" and re.match(r"\d{4}-.*\+00:00", str(row["begun"])) for row in found.values()
    )
    inner = sum(float(str(row["seconds"])) for name, row in found.items() if name.startswith("load"))
    assert 0 < inner <= float(str(whole["seconds"]))
    again = {str(row["step"]): row for row in rows(typed(*words, environment=JSON).stderr)}
    assert again["load Drug"]["inserted"] == 0 and again["load Drug"]["unchanged"] == 12
    assert rows(typed("status").stderr) == []  # nothing is left of the earlier commands


JSON = {"PHARMAGRAPH_LOG_FORMAT": "json"}


def test_what_fails_says_so_and_no_step_has_what_was_typed(small: Path) -> None:
    marker = "MARKER-OF-A-NAME"
    done = typed("--log-format=json", "query", "responses", f"drug={marker}")
    (row,) = rows(done.stderr)
    assert row["step"] == "cli query" and row["failed"] == "NotFoundError" and row["level"] == "error"
    assert marker in one_line(done) and marker not in json.dumps(row)
    assert typed("--log-format", "xml", "status").returncode == 2


def test_a_run_keeps_the_steps_of_its_training_and_check_tells_if_they_were_changed(trained: Path) -> None:
    (folder,) = (trained / "runs").iterdir()
    log = folder / steps.LOG
    kept = [json.loads(line) for line in log.read_text().splitlines()]
    names = [row["step"] for row in kept]
    assert names[0] == "reading the graph" and names.index("training") < names.index("predicting")
    curve = learning_curve(folder)
    assert curve and all(0 <= row["figure"] <= 1 and row["network"] == 1 for row in curve)
    assert [row["epoch"] for row in curve] == sorted({row["epoch"] for row in curve})
    assert names.count("epoch") >= curve[-1]["epoch"] and learning_curve(trained) == []
    assert all(row["seconds"] >= 0 for row in kept) and "/" not in log.read_text().replace("+00:00", "")
    assert steps.LOG in json.loads((folder / "digests.json").read_text())["sha256"]
    assert steps.LOG not in typed("check", "--format", "json").stdout
    log.write_text(log.read_text().replace("training", "nothing"))
    assert steps.LOG in typed("check", "--format", "json").stdout


def test_stages_end_with_an_error_and_leave_nothing_behind() -> None:
    heard: list[steps.Step] = []

    class Hears:
        def begun(self, step: steps.Step) -> None:
            pass

        def ended(self, step: steps.Step) -> None:
            heard.append(step)

    @steps.staged
    def work(*, stage: object = None) -> None:
        stage("one")  # type: ignore[operator]
        stage("two")  # type: ignore[operator]
        raise ValueError("two")

    with pytest.raises(ValueError, match="two"), steps.heard_by(Hears()):
        work()
    assert [(one.name, one.failed) for one in heard] == [("one", ""), ("two", "ValueError")]
    with steps.heard_by(Hears()):
        steps.happened("three", 1.5, n=2)
    assert heard[-1].row()["seconds"] == 1.5 and not steps._listeners and not steps._kept


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a collector of spans, and what it was sent."""
    got: list[bytes] = []

    class Collect(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collect)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def test_spans_are_sent_where_the_environment_says(small: Path, collector: tuple[str, list[bytes]]) -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    address, got = collector
    words = ("ingest", "synthetic", "--drugs", "12", "--cells", "16", "--genes", "40", "--quiet")
    done = command(*words, OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_EXPORTER_OTLP_COMPRESSION="none")
    assert done.returncode == 0, done.stderr
    sent = [
        span
        for body in got
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    by_name = {span.name: span for span in sent}
    root = by_name["cli ingest synthetic"]
    assert by_name["load Drug"].parent_span_id == root.span_id and not root.parent_span_id
    counts = {a.key: a.value.int_value for a in by_name["load Drug"].attributes}
    assert counts["pharmagraph.rows"] == 12


def test_a_collector_that_is_not_there_and_a_missing_package_are_one_line_at_most(small: Path) -> None:
    done = command("status", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0 and "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 1
    hidden = small.parent / "hidden" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError")
    shell = f"export PYTHONPATH={hidden.parent}:$PYTHONPATH"
    done = command("status", shell=shell, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0 and "pharmagraph[telemetry]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    shutil.rmtree(hidden)
