"""Compare the stores with direct driver calls and the published 0.5.0, interleaved in one run."""

import argparse
import json
import platform
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.benchmarks import abilities, report
from scripts.benchmarks.environments import DECODERS, prepare
from scripts.benchmarks.imports import import_times
from scripts.benchmarks.layers import Times, medians
from scripts.benchmarks.measure import Table, measure
from scripts.benchmarks.plan import CHOSEN, DEFAULT, FULL, NETWORKED, QUICK, STORES, Effort
from scripts.benchmarks.postgresql_server import postgresql_url
from scripts.benchmarks.s3_server import s3_url
from scripts.benchmarks.servers import server_url
from scripts.benchmarks.sides import sides


def main() -> None:
    """Run the benchmarks, print the tables, and write all numbers on request."""
    options = _options()
    effort: Effort = options.effort
    started = time.perf_counter()
    pythons = prepare(options.store, options.codec)
    result: dict[str, Any] = {"python": sys.version, "machine": platform.platform(), "codec": options.codec}
    lag: dict[str, Any] = {}
    able: dict[str, abilities.Seconds] = {}
    for store in options.store:
        with _server(store) as url:
            table, lag[store] = _measure_store(store, pythons, url, options.codec, effort)
            able[store] = _abilities(store, pythons, url, options.codec, effort)
        result[store] = [
            {**asdict(cell), "sides": {name: asdict(times) for name, times in found.items()}}
            for cell, found in table.items()
        ]
        _show(store, report.store_table(store, table, options.codec))
        _show(f"{store}, abilities", report.ability_table(able[store]))
    result["abilities"] = able
    result["lag"] = {store: late for store, late in lag.items() if store not in NETWORKED}
    _show("event loop, 50 tasks, 200 KB", report.lag_table(result["lag"]))
    if "memory" in options.store:
        result["growth"] = _growth(pythons, options.codec, effort)
        _show("growth", report.growth_table(result["growth"]))
        result["layers"] = _layers(pythons, options.codec, effort)
        _show("wrappers and adapters over MemoryStore", report.layer_table(result["layers"]))
    result["imports"] = import_times(options.store, pythons, options.codec, max(effort.rounds.values()))
    _show("imports", report.import_table(result["imports"]))
    result["seconds"] = time.perf_counter() - started
    print(f"\n{result['seconds']:.0f} s, codec {options.codec}, Python {platform.python_version()}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    effort = parser.add_mutually_exclusive_group()
    parser.add_argument(
        "--store", action="append", choices=STORES, help="measure only this store; may be repeated"
    )
    parser.add_argument(
        "--codec", choices=DECODERS, default="stdlib", help="JSON decoder used by this library"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    effort.add_argument(
        "--quick", dest="effort", action="store_const", const=QUICK, help="take about a minute"
    )
    effort.add_argument("--full", dest="effort", action="store_const", const=FULL, help="include 1M entries")
    parser.set_defaults(effort=DEFAULT)
    options = parser.parse_args()
    options.store = options.store or list(CHOSEN)
    return options


def _server(store: str) -> AbstractContextManager[str | None]:
    if store == "postgresql":
        return postgresql_url()
    if store == "s3":
        return s3_url()
    return server_url(store) if store in NETWORKED else nullcontext()


def _measure_store(
    store: str, pythons: Mapping[str, str], url: str | None, codec: str, effort: Effort
) -> tuple[Table, dict[str, Any]]:
    with sides(pythons, store, url, codec) as running:
        table = measure(running, effort)
        for side in running.values():
            side.ask("clear")
        late = (
            {}
            if store in NETWORKED
            else {name: side.ask("lag", seconds=effort.lag) for name, side in running.items()}
        )
    return table, late


def _abilities(
    store: str, pythons: Mapping[str, str], url: str | None, codec: str, effort: Effort
) -> abilities.Seconds:
    with sides({"ours": pythons["ours"]}, store, url, codec) as running:
        rounds = [running["ours"].ask("abilities") for _ in range(max(effort.rounds.values()) + 1)]
    return abilities.medians(rounds[1:])


def _growth(pythons: Mapping[str, str], codec: str, effort: Effort) -> report.Growth:
    with sides(pythons, "memory", None, codec) as running:
        return {name: side.ask("growth", counts=effort.counts) for name, side in running.items()}


def _layers(pythons: Mapping[str, str], codec: str, effort: Effort) -> dict[str, Times]:
    libraries = {name: python for name, python in pythons.items() if name != "raw"}
    rounds: dict[str, list[Times]] = {name: [] for name in libraries}
    with sides(libraries, "memory", None, codec) as running:
        for _ in range(2 * max(effort.rounds.values())):
            for name, side in running.items():
                rounds[name].append(side.ask("layers"))
    return {name: medians(times) for name, times in rounds.items()}


def _show(title: str, table: str) -> None:
    print(f"\n{title}\n\n{table}", flush=True)


if __name__ == "__main__":
    main()
