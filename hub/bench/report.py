"""What a measurement found, as a table for people or JSON for programs."""

import json
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Spread:
    """Milliseconds of many runs."""

    runs: int
    p50: float
    p90: float
    p99: float
    max: float


@dataclass
class Report:
    """Named spreads, ratios between them, and what was promised."""

    title: str
    spreads: dict[str, Spread] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    promises: dict[str, bool] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        console = Console()
        if as_json:
            console.print_json(json.dumps(asdict(self)))
            return
        table = Table("ms", "runs", "p50", "p90", "p99", "max", title=self.title, title_justify="left")
        for name, spread in self.spreads.items():
            table.add_row(name, str(spread.runs), *(f"{value:.2f}" for value in list(asdict(spread).values())[1:]))
        console.print(table)
        for name, ratio in self.ratios.items():
            console.print(f"{name}: {ratio:.2f}")
        for promise, holds in self.promises.items():
            console.print(f"{'[green]holds' if holds else '[red]does not hold'}[/]: {promise}")
        for note in self.notes:
            console.print(f"[dim]{note}[/]")


def spread(times: list[float]) -> Spread:
    """The spread of a list of milliseconds; at least one."""
    ordered = sorted(times)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)

    return Spread(len(ordered), at(0.5), at(0.9), at(0.99), round(ordered[-1], 2))
