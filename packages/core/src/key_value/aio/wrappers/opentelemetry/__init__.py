"""`OpenTelemetryWrapper`: a store whose operations are spans and metrics."""

from key_value.aio.wrappers.opentelemetry.wrapper import OpenTelemetryWrapper

__all__ = ["OpenTelemetryWrapper"]
