"""Steps as lines of JSON on standard error (``cli --log-format json``), and as spans of OpenTelemetry."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Any

from pharmagraph.kg import steps

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LOGGER = "pharmagraph"
SILENT = "no spans are sent: pip install 'pharmagraph[telemetry]'"


class LogFormat(StrEnum):
    """What is written of a command's steps."""

    text = "text"
    json = "json"


class _Lines:
    """Writes a line when a step has ended."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def begun(self, step: steps.Step) -> None:
        pass

    def ended(self, step: steps.Step) -> None:
        self._logger.log(logging.ERROR if step.failed else logging.INFO, "", extra=step.row())


@contextmanager
def lines(format: LogFormat) -> Iterator[None]:
    """Write a line of JSON for each step within the block, and for each message of the program's own log."""
    if format is LogFormat.text:
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter())
    logger = logging.getLogger(LOGGER)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        with steps.heard_by(_Lines(logger)):
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def _formatter() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    class Rows(JsonFormatter):
        """A level, and what a step or a message consists of."""

        def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
            level = {"level": log_data.pop("levelname").lower()}
            return level | {name: value for name, value in log_data.items() if value != ""}

    return Rows("%(levelname)s %(message)s")


class _Spans:
    """Opens a span of a tracer with each step, and closes it."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer
        self._open: dict[int, tuple[Any, ExitStack]] = {}

    def begun(self, step: steps.Step) -> None:
        held = ExitStack()
        span = held.enter_context(self._tracer.start_as_current_span(step.name))
        self._open[id(step)] = span, held

    def ended(self, step: steps.Step) -> None:
        from opentelemetry.trace import Status, StatusCode

        span, held = self._open.pop(id(step))
        for name, value in step.counts.items():
            span.set_attribute(f"pharmagraph.{name}", value)
        span.set_attribute("pharmagraph.seconds", step.seconds)
        if step.failed:
            span.set_status(Status(StatusCode.ERROR, step.failed))
        held.close()


@contextmanager
def spans(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Send the steps within the block as spans where ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where to."""
    if not environment.get(ENDPOINT):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        print(f"{ENDPOINT} is set, but {SILENT}", file=sys.stderr)
        yield
        return
    for name in (
        "opentelemetry.exporter",
        "opentelemetry.sdk",
    ):  # where nobody listens, the command goes on in silence
        logging.getLogger(name).setLevel(logging.CRITICAL)
    provider = TracerProvider(resource=Resource({"service.name": "pharmagraph"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=3)))
    try:
        with steps.heard_by(_Spans(provider.get_tracer(LOGGER))):
            yield
    finally:
        provider.shutdown()
