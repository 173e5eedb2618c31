"""Import times, each in a new process, beyond the import of the driver alone."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from statistics import median

from scripts.benchmarks.environments import ROOT

PROGRAM = """
import time, {base}
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""
DRIVER_OF_STORE = {
    "memcached": "aiomcache",
    "mongodb": "pymongo",
    "firestore": "google.cloud.firestore",
    "dynamodb": "aiobotocore.session",
    "redis": "redis.asyncio",
    "valkey": "glide",
    "azure_tables": "azure.data.tables.aio",
    "vault": "hvac",
    "rocksdb": "rocksdict",
    "s3": "aiobotocore.session",
    "elasticsearch": "elasticsearch",
    "opensearch": "opensearchpy",
    "duckdb": "duckdb",
}
"""Baseline module for each store's import; for the others it is asyncio."""


def import_times(
    stores: Sequence[str], pythons: Mapping[str, str], codec: str, rounds: int
) -> dict[str, dict[str, float]]:
    """Return the median seconds of each import in each library, alternating between libraries."""
    libraries = {name: python for name, python in pythons.items() if name != "raw"}
    imports = {"protocols": ("asyncio", "key_value.aio.protocols")}
    for store in stores:
        imports[store] = DRIVER_OF_STORE.get(store, "asyncio"), f"key_value.aio.stores.{store}"
    seconds: dict[str, dict[str, list[float]]] = {name: {side: [] for side in libraries} for name in imports}
    for _ in range(rounds):
        for name, (base, module) in imports.items():
            for side, python in libraries.items():
                counterpart = module.replace("sqlite", "disk") if side == "0.5.0" else module
                seconds[name][side].append(_import(python, base, counterpart, codec))
    return {name: {side: median(times) for side, times in found.items()} for name, found in seconds.items()}


def _import(python: str, base: str, module: str, codec: str) -> float:
    program = PROGRAM.format(base=base, module=module)
    environment = {**os.environ, "PY_KEY_VALUE_JSON": codec}
    answer = subprocess.check_output([python, "-c", program], cwd=ROOT, env=environment, text=True)
    return float(answer)
