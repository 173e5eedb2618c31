"""Environments of the compared libraries, each with the packages that a user would install."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "bench"

LIBRARIES = ("ours", "raw", "0.5.0")
"""The compared libraries: this checkout, the bare drivers, and the published library."""

EXTRAS = {
    "memory": "memory",
    "sqlite": "disk",
    "disk": "disk",
    "filetree": "filetree",
    "rocksdb": "rocksdb",
    "duckdb": "duckdb",
    "chdb": "chdb",
    "keyring": "keyring",
    "memcached": "memcached",
    "mongodb": "mongodb",
    "firestore": "firestore",
    "dynamodb": "dynamodb",
    "redis": "redis",
    "valkey": "valkey",
    "postgresql": "postgresql",
    # The extra of 0.5.0 lacks aiohttp, which the other one includes.
    "azure_tables": "azure-tables,elasticsearch",
    "vault": "vault",
    "s3": "s3",
    "elasticsearch": "elasticsearch",
    "opensearch": "opensearch",
}
"""The stores, each with the extra of 0.5.0 that it is compared with."""

DRIVERS = {
    "rocksdb": "rocksdict",
    "duckdb": "duckdb",
    "chdb": "chdb",
    "keyring": "keyring",
    "memcached": "aiomcache",
    "mongodb": "pymongo",
    "firestore": "google-cloud-firestore",
    "dynamodb": "aiobotocore",
    "redis": "redis",
    "valkey": "valkey-glide",
    "postgresql": "asyncpg",
    "azure_tables": "azure-data-tables azure-core[aio]",
    "vault": "hvac",
    "s3": "aiobotocore",
    "elasticsearch": "elasticsearch[async]",
    "opensearch": "opensearch-py[async]",
}
"""Requirements for the direct driver calls, in addition to the standard library."""

LAYERED = ["cryptography", "opentelemetry-api", "pydantic"]
"""Requirements of the wrappers and adapters."""

DECODERS = {"stdlib": [], "jiter": ["jiter"], "pydantic_core": ["pydantic-core"]}


def prepare(stores: Sequence[str], codec: str) -> dict[str, str]:
    """Create or update the environments, and return the interpreter of each library.

    Args:
        stores: Names of the stores to measure.
        codec: JSON codec used by this library.
    """
    folders = ["core", *(store.replace("_", "-") for store in stores)]
    names = ["py-key-value-aio", *(f"py-key-value-aio-{folder}" for folder in folders[1:])]
    renewed = [f"--reinstall-package={name}" for name in names]
    packages = [f"./packages/{folder}" for folder in folders]
    extras = sorted({EXTRAS[store] for store in stores})
    drivers = [driver for store in stores if store in DRIVERS for driver in DRIVERS[store].split()]
    published = f"py-key-value-aio[{','.join(['pydantic', 'wrappers-encryption', *extras])}]==0.5.0"
    return {
        "ours": _environment("ours", "--no-sources", *renewed, *packages, *LAYERED, *DECODERS[codec]),
        "raw": _environment("raw", *drivers),
        "0.5.0": _environment("0.5.0", published),
    }


def _environment(name: str, *requirements: str) -> str:
    folder = CACHE / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    if requirements:
        install = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
        subprocess.run([*install, *requirements], check=True, cwd=ROOT)
    return str(python)
