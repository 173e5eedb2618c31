"""The documents that the 0.5 series made of the rows of its DuckDB store, for code that imports them."""

from key_value.aio._utils.serialization import BasicSerializationAdapter


class DuckDBSerializationAdapter(BasicSerializationAdapter):
    """Documents with datetimes, whose value is a dictionary; JSON text is read too."""

    def __init__(self) -> None:
        super().__init__(date_format="datetime", value_format="dict")
