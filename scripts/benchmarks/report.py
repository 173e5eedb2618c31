"""Tables of the results."""

from collections.abc import Sequence
from statistics import median

from scripts.benchmarks import layers, targets
from scripts.benchmarks.abilities import Seconds
from scripts.benchmarks.measure import Table, Times
from scripts.benchmarks.plan import NETWORKED, Cell

Growth = dict[str, list[dict[str, float]]]


def store_table(store: str, table: Table, codec: str) -> str:
    """Return the table of one store: microseconds per key, and ratios next to their targets."""
    head = ["us for each key", "ours", "raw", "0.5.0", "0.5.0/ours", "ours/raw", "cpu ours/raw", "target", ""]
    skipped = set[int]() if store in NETWORKED else {6}
    rows = [head, *(_row(store, cell, sides, codec) for cell, sides in table.items())]
    return _aligned([[part for at, part in enumerate(row) if at not in skipped] for row in rows])


def _row(store: str, cell: Cell, sides: dict[str, Times], codec: str) -> list[str]:
    ours, raw, published = (median(sides[name].wall) for name in ("ours", "raw", "0.5.0"))
    cpu = sides["ours"].paired(sides["raw"])
    aim = targets.target(store, cell.case, codec)
    if cell.size != "100 B" or cell.ttl is not None:
        aim = targets.Target()
    met = _verdict(aim.is_met(published / ours, ours / raw, cpu)) if aim.text() else ""
    times = [f"{seconds * 1e6:.1f}" for seconds in (ours, raw, published)]
    return [
        cell.title(),
        *times,
        f"{published / ours:.2f}",
        f"{ours / raw:.2f}",
        f"{cpu:.2f}",
        aim.text(),
        met,
    ]


def import_table(seconds: dict[str, dict[str, float]]) -> str:
    """Return the table of import times beyond the drivers'."""
    rows = [["ms of import", "ours", "0.5.0", "target", ""]]
    for name, found in seconds.items():
        limit = targets.IMPORT_MILLISECONDS.get(name)
        ours, published = found["ours"] * 1e3, found["0.5.0"] * 1e3
        aim = [f"<= {limit} ms", _verdict(ours <= limit)] if limit else ["", ""]
        rows.append([name, f"{ours:.1f}", f"{published:.1f}", *aim])
    return _aligned(rows)


def lag_table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the table of event loop lag, by store and side."""
    rows = [["ms of event loop lag", "p50", "p99", "max", "target", ""]]
    for store, sides in found.items():
        for side, late in sides.items():
            times = [late[name] * 1e3 for name in ("p50", "p99", "max")]
            limit = targets.LAG_P99_MILLISECONDS
            aim = [f"p99 <= {limit} ms", _verdict(times[1] <= limit)] if side == "ours" else ["", ""]
            rows.append([f"{store}, {side}", *(f"{time:.1f}" for time in times), *aim])
    return _aligned(rows)


def growth_table(found: Growth) -> str:
    """Return the table of what a put, a get and an entry of MemoryStore cost as it grows."""
    rows = [["MemoryStore", "entries", "put us", "get us", "bytes an entry", "slowest put ms", "target", ""]]
    for side, steps in found.items():
        for step in steps:
            times = [f"{step[name] * 1e6:.1f}" for name in ("put", "get")]
            last = side == "ours" and step is steps[-1]
            aim = _growth_aim(found) if last else ["", ""]
            sizes = [f"{step['bytes']:.0f}", f"{step['slowest'] * 1e3:.1f}"]
            rows.append([side, f"{step['entries']:.0f}", *times, *sizes, *aim])
    return _aligned(rows)


def ability_table(found: Seconds) -> str:
    """Return the table of the optional operations, next to a get and a put."""
    rows = [["us for each key", "ours", "of a get", "of a put", "", ""]]
    for name, seconds in found.items():
        ratios = [f"{seconds / found[plain]:.2f}" for plain in ("get", "put")]
        rows.append([name, f"{seconds * 1e6:.1f}", *ratios, "", ""])
    return _aligned(rows)


def layer_table(found: dict[str, layers.Times]) -> str:
    """Return the table of what each wrapper and adapter adds to a put and a get, with targets."""
    rows = [["us added", "put", "get", "0.5.0 put", "0.5.0 get", "target", ""]]
    for name in layers.LAYERS:
        times = [_added(found[side], name) for side in ("ours", "0.5.0")]
        cells = [f"{seconds * 1e6:.1f}" if seconds is not None else "-" for pair in times for seconds in pair]
        rows.append([name, *cells, *_layer_aim(found, name)])
    return _aligned(rows)


def _added(times: layers.Times, name: str) -> tuple[float | None, float | None]:
    """Return the seconds that a layer adds; for the store itself, its own time."""
    if name not in times:
        return None, None
    bare = times[layers.BARE] if name != layers.BARE else (0.0, 0.0)
    return times[name][0] - bare[0], times[name][1] - bare[1]


def _layer_aim(found: dict[str, layers.Times], name: str) -> list[str]:
    ours, published = found["ours"], found["0.5.0"]
    if name == layers.FIVE:
        microseconds = ours[name][1] * 1e6
        limit = targets.FIVE_WRAPPERS_MICROSECONDS
        return [f"get with the store's {microseconds:.1f} <= {limit:g}", _verdict(microseconds <= limit)]
    if name == layers.PYDANTIC:
        ratios = [theirs / mine for mine, theirs in zip(ours[name], published[name], strict=True)]
        text = f"{ratios[0]:.1f}x and {ratios[1]:.1f}x 0.5.0 >= {targets.PYDANTIC_PUBLISHED:g}x"
        return [text, _verdict(min(ratios) >= targets.PYDANTIC_PUBLISHED)]
    return ["", ""]


def _growth_aim(found: Growth) -> list[str]:
    ours, published = found["ours"], found["0.5.0"]
    grown = max(ours[-1][name] / ours[0][name] for name in ("put", "get"))
    part = ours[-1]["bytes"] / published[-1]["bytes"] if published[-1]["bytes"] else 0.0
    text = f"growth {grown:.2f} <= {targets.GROWTH}, bytes {part:.2f} <= {targets.BYTES_OF_PUBLISHED}"
    return [text, _verdict(grown <= targets.GROWTH and part <= targets.BYTES_OF_PUBLISHED)]


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as columns, with names left-aligned and numbers right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            part.rjust(width) if 0 < at < len(widths) - 2 else part.ljust(width)
            for at, (part, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
