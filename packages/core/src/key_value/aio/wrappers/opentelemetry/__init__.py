"""`OpenTelemetryWrapper`: a store that traces and measures its operations."""

from key_value.aio.wrappers.opentelemetry.wrapper import OpenTelemetryWrapper

__all__ = ["OpenTelemetryWrapper"]
