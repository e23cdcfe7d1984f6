"""CPU time and memory of a process, as the kernel reports them. Linux only."""

import os
from pathlib import Path
from typing import Final, NamedTuple

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12  # fields of /proc/PID/stat after the closing bracket of the command


class Memory(NamedTuple):
    """Resident memory in bytes, now and at its highest."""

    now: int
    peak: int


def cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used, its threads and the kernel's work for it included."""
    return cpu_of(Path(f"/proc/{pid}/stat").read_text())


def cpu_of(stat: str) -> float:
    """Return the CPU seconds in the text of /proc/PID/stat."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS


def memory(pid: int) -> Memory:
    """Return the memory of a process."""
    return memory_of(Path(f"/proc/{pid}/status").read_text())


def memory_of(status: str) -> Memory:
    """Return the memory in the text of /proc/PID/status."""
    found = dict(line.split(":", 1) for line in status.splitlines() if line.startswith("Vm"))
    return Memory(now=_bytes(found["VmRSS"]), peak=_bytes(found["VmHWM"]))


def _bytes(field: str) -> int:
    return int(field.removesuffix(" kB")) * 1024
