from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from key_value.aio.errors import StoreConnectionError
from key_value.aio.protocols import AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.sqlite import SQLiteStore
from key_value.aio.wrappers.opentelemetry import OpenTelemetryWrapper
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from tests.wrappers.able import able
from tests.wrappers.flaky import Flaky


class Telemetry:
    """The spans and metrics that a wrapper emits."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._metrics])

    def wrap(self, store: AsyncKeyValue, **options: Any) -> OpenTelemetryWrapper:
        return OpenTelemetryWrapper(
            store, tracer_provider=self.tracers, meter_provider=self.meters, **options
        )

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._spans.get_finished_spans())

    def attributes(self) -> list[dict[str, Any]]:
        return [dict(span.attributes or {}) for span in self.spans]

    def durations(self) -> Mapping[str, HistogramDataPoint]:
        data = self._metrics.get_metrics_data()
        assert data is not None
        [metric] = data.resource_metrics[0].scope_metrics[0].metrics
        assert (metric.name, metric.unit) == ("db.client.operation.duration", "s")
        points: list[Any] = list(metric.data.data_points)
        return {str(point.attributes["db.operation.name"]): point for point in points}


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


async def test_spans_follow_the_conventions(telemetry: Telemetry) -> None:
    store = telemetry.wrap(PrefixKeysWrapper(MemoryStore(), "p"))
    await store.put("secret-key", {"secret": 1}, collection="users")
    await store.get_many(["a", "secret-key"], collection="users")
    await store.get("none")
    assert [span.name for span in telemetry.spans] == [
        "put users",
        "get_many users",
        "get default_collection",
    ]
    assert all(span.kind is SpanKind.CLIENT for span in telemetry.spans)
    assert telemetry.attributes() == [
        {"db.system.name": "memory", "db.operation.name": "put", "db.collection.name": "users"},
        {
            "db.system.name": "memory",
            "db.operation.name": "get_many",
            "db.collection.name": "users",
            "db.operation.batch.size": 2,
            "db.response.returned_rows": 1,
        },
        {
            "db.system.name": "memory",
            "db.operation.name": "get",
            "db.collection.name": "default_collection",
            "db.response.returned_rows": 0,
        },
    ]


async def test_durations_are_measured(telemetry: Telemetry) -> None:
    store = telemetry.wrap(MemoryStore(), system="other")
    for _ in range(3):
        await store.get("k", collection="c")
    point = telemetry.durations()["get"]
    assert point.count == 3
    assert point.sum > 0
    assert point.explicit_bounds[0] == 0.001
    assert dict(point.attributes or {}) == {
        "db.system.name": "other",
        "db.operation.name": "get",
        "db.collection.name": "c",
    }


async def test_a_failure_is_an_error_of_its_type(telemetry: Telemetry) -> None:
    flaky = Flaky(MemoryStore())
    flaky.failures = 1
    with pytest.raises(StoreConnectionError):
        await telemetry.wrap(flaky).get("k")
    [span] = telemetry.spans
    assert span.status.status_code is StatusCode.ERROR
    assert telemetry.attributes()[0]["error.type"] == "key_value.aio.errors.store.StoreConnectionError"
    assert span.events == ()
    point = telemetry.durations()["get"]
    assert (point.attributes or {})["error.type"] == "key_value.aio.errors.store.StoreConnectionError"


async def test_keys_are_recorded_on_request(telemetry: Telemetry) -> None:
    store = telemetry.wrap(MemoryStore(), record_keys=True)
    await store.get("k")
    await store.delete_many(["a", "b"])
    recorded = [attributes["db.operation.parameter.key"] for attributes in telemetry.attributes()]
    assert recorded == ["k", ("a", "b")]


async def test_operations_of_the_whole_store_have_no_collection(telemetry: Telemetry) -> None:
    store = able(telemetry.wrap(SQLiteStore(":memory:")))
    await store.collections()
    await store.cull()
    assert [span.name for span in telemetry.spans] == ["collections", "cull"]
    assert telemetry.attributes()[0] == {"db.system.name": "sqlite", "db.operation.name": "collections"}


async def test_the_global_providers_are_the_default() -> None:
    store = OpenTelemetryWrapper(MemoryStore())
    await store.put("k", {"n": 1})
    assert await store.get("k") == {"n": 1}
