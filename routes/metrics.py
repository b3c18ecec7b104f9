"""The Butler's figures in Prometheus' format at `/metrics`: requests, deployments and their durations."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_fastapi_instrumentator import Instrumentator

from routes.context import Butler

_EXAMPLE = """# HELP butler_deployments Apps by status.
# TYPE butler_deployments gauge
butler_deployments{status="success"} 3.0
"""


def add_metrics(app: FastAPI, butler: Butler) -> None:
    """Measure requests, and show the figures; each application has a registry of its own."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Deployments(butler))
    Instrumentator(registry=registry, excluded_handlers=["/metrics"]).instrument(app).expose(
        app,
        endpoint="/metrics",
        tags=["system"],
        summary="Figures for Prometheus",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"example": _EXAMPLE}}}},
    )


class _Deployments(Collector):
    """How many apps there are of each status, and how many deployments run, read when they are asked for."""

    def __init__(self, butler: Butler) -> None:
        self._butler = butler

    def describe(self) -> Iterable[Metric]:
        """What `collect` gives, without asking the database."""
        return [_apps(), _running()]

    def collect(self) -> Iterable[Metric]:
        """The figures now."""
        apps = _apps()
        for status, count in self._butler.database.deployments.counts().items():
            apps.add_metric([str(status)], count)
        running = _running()
        running.add_metric([], self._butler.jobs.running)
        return [apps, running]


def _apps() -> GaugeMetricFamily:
    return GaugeMetricFamily("butler_deployments", "Apps by status.", labels=["status"])


def _running() -> GaugeMetricFamily:
    return GaugeMetricFamily("butler_deployments_in_progress", "Deployments that wait or run.")
