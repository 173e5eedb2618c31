"""How long the imports take, each in a new process and over what its driver takes alone."""

import os
import subprocess
from collections.abc import Mapping
from statistics import median

from scripts.benchmarks.environments import ROOT

PROGRAM = """
import time, {base}
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""
IMPORTS = {
    "protocols": ("asyncio", "key_value.aio.protocols"),
    "MemoryStore": ("asyncio", "key_value.aio.stores.memory"),
    "SQLiteStore": ("asyncio", "key_value.aio.stores.sqlite"),
    "RedisStore": ("redis.asyncio", "key_value.aio.stores.redis"),
}


def import_times(pythons: Mapping[str, str], codec: str, rounds: int) -> dict[str, dict[str, float]]:
    """Returns the median seconds of each import in each library, the libraries taking turns."""
    libraries = {name: python for name, python in pythons.items() if name != "raw"}
    seconds: dict[str, dict[str, list[float]]] = {name: {side: [] for side in libraries} for name in IMPORTS}
    for _ in range(rounds):
        for name, (base, module) in IMPORTS.items():
            for side, python in libraries.items():
                counterpart = module.replace("sqlite", "disk") if side == "0.5.0" else module
                seconds[name][side].append(_import(python, base, counterpart, codec))
    return {name: {side: median(times) for side, times in found.items()} for name, found in seconds.items()}


def _import(python: str, base: str, module: str, codec: str) -> float:
    program = PROGRAM.format(base=base, module=module)
    environment = {**os.environ, "PY_KEY_VALUE_JSON": codec}
    answer = subprocess.check_output([python, "-c", program], cwd=ROOT, env=environment, text=True)
    return float(answer)
