"""A wrapper that emits spans and metrics."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from typing_extensions import override

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace import SpanKind, Status, StatusCode
except ImportError as error:
    message = (
        "OpenTelemetryWrapper needs the OpenTelemetry API: pip install 'py-key-value-aio[opentelemetry]'"
    )
    raise ImportError(message) from error

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio.protocols.abilities import ABILITIES
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import HITS, BaseWrapper, Call, Interceptor

T = TypeVar("T")

_SCOPE = "key_value.aio"

_BOUNDARIES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""Seconds, as advised by https://opentelemetry.io/docs/specs/semconv/db/database-metrics/."""

_OF_THE_STORE = frozenset(each.method for each in ABILITIES if "collection" not in each.takes)
"""Operations that do not concern a single collection."""


class OpenTelemetryWrapper(Interceptor):
    """A wrapper that emits a span and a duration metric for each operation.

    They follow the semantic conventions for databases. A span is named after the operation and the
    collection. Keys are recorded on request only, values never. Misses are not errors:
    `db.response.returned_rows` is the number of values that a read found.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        *,
        system: str | None = None,
        record_keys: bool = False,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            system: Name of the database, for `db.system.name`. Defaults to the name of the store's module.
            record_keys: Whether spans record keys as `db.operation.parameter.key`; they may be secret.
            tracer_provider: Provider of the tracer. Defaults to the global one.
            meter_provider: Provider of the meter. Defaults to the global one.
        """
        super().__init__(key_value)
        self.system = system or _system(key_value)
        self.record_keys = record_keys
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._durations = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Duration of database client operations.",
            explicit_bucket_boundaries_advisory=_BOUNDARIES,
        )

    @override
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        attributes = self._attributes(call)
        name = " ".join(filter(None, (call.operation, str(attributes.get("db.collection.name", "")))))
        started = time.perf_counter()
        with self._tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT,
            attributes={**attributes, **self._details(call)},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                result = await proceed()
            except BaseException as error:
                kind = f"{type(error).__module__}.{type(error).__qualname__}"
                attributes["error.type"] = kind
                span.set_attribute("error.type", kind)
                span.set_status(Status(StatusCode.ERROR))
                raise
            else:
                hits = HITS.get(call.operation)
                if hits is not None and span.is_recording():
                    span.set_attribute("db.response.returned_rows", hits(result))
                return result
            finally:
                self._durations.record(time.perf_counter() - started, attributes)

    def _attributes(self, call: Call) -> dict[str, str]:
        """Return the attributes of both the span and the metric."""
        attributes = {"db.system.name": self.system, "db.operation.name": call.operation}
        if call.operation not in _OF_THE_STORE:
            name = self._collection_name(call.collection)
            attributes["db.collection.name"] = name or DEFAULT_COLLECTION_NAME
        return attributes

    def _details(self, call: Call) -> dict[str, Any]:
        """Return the attributes of the span only."""
        details: dict[str, Any] = {}
        if len(call.keys) > 1:
            details["db.operation.batch.size"] = len(call.keys)
        if self.record_keys and call.keys:
            details["db.operation.parameter.key"] = list(call.keys) if len(call.keys) > 1 else call.keys[0]
        return details


def _system(key_value: object) -> str:
    """Return the short name of the innermost store: `redis` for `key_value.aio.stores.redis`."""
    while isinstance(key_value, BaseWrapper) and key_value.wrapped:
        key_value = key_value.wrapped[0]
    _, found, name = type(key_value).__module__.partition("key_value.aio.stores.")
    return name.partition(".")[0] if found else type(key_value).__name__
