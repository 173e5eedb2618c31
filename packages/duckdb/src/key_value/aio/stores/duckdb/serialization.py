"""The documents of the 0.5 series that its DuckDB store made of rows, for code that imports them."""

from typing import Any

from typing_extensions import override

from key_value.aio._utils.serialization import SerializationAdapter


class DuckDBSerializationAdapter(SerializationAdapter):
    """Documents with datetimes, whose value is a dictionary or JSON text."""

    def __init__(self) -> None:
        super().__init__(date_format="datetime", value_format="dict")

    @override
    def prepare_load(self, data: dict[str, Any]) -> dict[str, Any]:
        return data

    @override
    def prepare_dump(self, data: dict[str, Any]) -> dict[str, Any]:
        return data
