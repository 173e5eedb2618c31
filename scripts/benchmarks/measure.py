"""Time the cells of one store, alternating between the sides within each round."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from scripts.benchmarks.cases import CASES
from scripts.benchmarks.plan import Cell, Effort
from scripts.benchmarks.sides import Side


@dataclass
class Times:
    """Wall-clock and CPU seconds per key in each round."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])

    def paired(self, other: "Times") -> float:
        """Return the median over the rounds of the ratio of this CPU time to another's."""
        return median(mine / theirs for mine, theirs in zip(self.cpu, other.cpu, strict=True))


Table = dict[Cell, dict[str, Times]]


def measure(sides: Mapping[str, Side], effort: Effort) -> Table:
    """Return the times of every cell and side."""
    cells = effort.cells()
    table: Table = {cell: {name: Times() for name in sides} for cell in cells}
    times = {(cell, name): _times(side, cell, effort.slot) for cell in cells for name, side in sides.items()}
    for turn in range(max(effort.rounds.values())):
        for cell in cells:
            if turn < effort.rounds[cell.size]:
                for name in _rotated(list(sides), turn):
                    wall, cpu = _time(sides[name], cell, times[cell, name])
                    table[cell][name].wall.append(wall)
                    table[cell][name].cpu.append(cpu)
    return table


def _times(side: Side, cell: Cell, slot: float) -> int:
    """Return how often a side can repeat a cell's case in a slot, after warming up."""
    keys = CASES[cell.case].keys
    wall, _ = _time(side, cell, 1)
    if wall * keys < slot / 4:
        wall, _ = _time(side, cell, 10)
    return max(1, round(slot / wall / keys))


def _time(side: Side, cell: Cell, times: int) -> tuple[float, float]:
    wall, cpu = side.ask("case", name=cell.case, size=cell.size, ttl=cell.ttl, times=times)
    return wall, cpu


def _rotated(names: list[str], turn: int) -> list[str]:
    start = turn % len(names)
    return names[start:] + names[:start]
