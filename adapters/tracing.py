"""Tracing begun where a collector is set; elsewhere nothing of OpenTelemetry is imported."""

from __future__ import annotations

from adapters import spans
from adapters.settings import Settings
from adapters.spans import NOTHING, Tracing


def begin_tracing(settings: Settings, *, service: str) -> Tracing:
    """Make spans from now on, in the name of a service; closing what is given ends it."""
    if settings.tracing_endpoint is None:
        return NOTHING
    from adapters.telemetry import Telemetry

    tracing = Telemetry(settings.tracing_endpoint, service=service, secrets=settings.secrets)
    spans.use(tracing)
    return tracing
