"""Times with their spread."""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np


@dataclass
class Timed:
    """Seconds by the clock, and of CPU in this thread, of each run."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, do: Callable[[], object]) -> None:
        """Run once."""
        wall, cpu = time.perf_counter(), time.thread_time()
        do()
        self.cpu.append(time.thread_time() - cpu)
        self.wall.append(time.perf_counter() - wall)

    def __str__(self) -> str:
        cpu, wall = (np.percentile(each, [50, 95, 100]) * 1000 for each in (self.cpu, self.wall))
        return (
            f"CPU p50 {cpu[0]:6.2f} p95 {cpu[1]:6.2f} max {cpu[2]:6.1f}"
            f" | wall p50 {wall[0]:6.2f} p95 {wall[1]:6.2f} max {wall[2]:6.1f} ms"
        )


def spread(values: Sequence[float]) -> str:
    return f"median {median(values):.3g} (min {min(values):.3g}, max {max(values):.3g})"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
