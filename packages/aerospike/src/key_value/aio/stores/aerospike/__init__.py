"""The Aerospike store: `AerospikeStore`."""

try:
    from key_value.aio.stores.aerospike.store import AerospikeStore
except ModuleNotFoundError as error:
    if error.name not in ("aerospike", "aerospike_helpers"):
        raise
    raise ImportError("AerospikeStore needs aerospike: pip install 'py-key-value-aio[aerospike]'") from error

__all__ = ["AerospikeStore"]
