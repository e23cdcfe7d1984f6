"""Makes the tables of the README from the results. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.comparison import PEERS
from benchmarks.traffic import WORKLOADS

BEGIN: Final = "<!-- figures: written by make bench -->"
END: Final = "<!-- end of figures -->"
_MIB: Final = 2**20
_YARDSTICK: Final = "tuned"
_CONTENDERS: Final = {"atp": "**atp_stream**", "streams": "Kafka Streams, equal work"}
Figures = dict[str, Any]
Row = tuple[str, ...]


def rewritten(readme: str, results: Figures) -> str:
    """Return the README with the figures of `results` between its marks."""
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{figures(results)}\n{END}{tail}"


def figures(results: Figures) -> str:
    """Return all figures as Markdown."""
    parts = [_machine(results["machine"])]
    parts += [_workload(name, results) for name in WORKLOADS if name in results.get("throughput", {})]
    if "latency" in results:
        parts.append(_latency(results["latency"]))
    if "recovery" in results:
        parts.append(_recovery(results["recovery"]))
    if "takeover" in results:
        parts.append(_takeover(results["takeover"]))
    if "first_load" in results:
        parts.append(_first_load(results["first_load"]))
    if "security" in results:
        parts.append(_security(results["security"]))
    if "dates" in results:
        parts.append(_dates(results["dates"]))
    for items, found in results.get("lists", {}).items():
        parts.append(_lists(int(items), found))
    if "pages" in results:
        parts.append(_pages(results["pages"], results.get("checkout", {})))
    return "\n".join(parts)


def _lists(items: int, found: Figures) -> str:
    head = ("", "first", "median", "greatest", "longest stretch", "pages", "date")
    rows = [
        (
            name,
            *(f"{one[figure]:.1f} ms" for figure in ("first_ms", "ms", "max_ms", "longest_stretch_ms")),
            str(one["pages"]),
            one["date"],
        )
        for name, one in sorted(found.items())
        if "pages" in one
    ]
    counts = [
        f"- *The {name}*: {one['us']:.0f} µs an item, {one['cpu_s']:.0f} s in all, complete after"
        f" {one['complete_s']:,.0f} s, {one['longest_stretch_ms']:.1f} ms at a stretch at the most"
        for name, one in sorted(found.items())
        if "us" in one
    ]
    return "\n".join([f"### Lists over {items:,} items, CPU\n", _table(head, rows), *counts, ""])


def _pages(found: Figures, checkouts: Figures) -> str:
    head = ("2,000 events/s", "CPU µs/event", "of no page", "p50 ms", "p99 ms", "a step, ms", "events received", "date")
    rows = [
        (
            name,
            f"{one['us']:.1f}",
            f"{one['of_nobody']:.3f}",
            f"{one['p50_ms']:.0f}",
            f"{one['p99_ms']:.0f}",
            f"{one['step_ms']:.1f}",
            f"{one['told']:,.0f}",
            one["date"],
        )
        for name, one in sorted(found.items(), key=lambda pair: float(pair[1]["us"]))
    ]
    said = [
        f"`POST /reservations?wait=5` at {rate} a second: {one['orders']:,.0f} orders, p50 {one['p50_ms']:.0f} ms,"
        f" p99 {one['p99_ms']:.0f} ms, {one['undecided']:.0f} not committed ({one['date']})."
        for rate, one in checkouts.items()
    ]
    return "\n".join(["### With pages open, and a checkout in one call\n", _table(head, rows), *said, ""])


def _dates(found: Figures) -> str:
    head = ("event", "CPU ms, median", "greatest", "longest step", "steps", "rows read", "events", "date")
    rows = [
        (
            event,
            f"{one['ms']:.1f}",
            f"{one['max_ms']:.1f}",
            f"{one['longest_step_ms']:.1f}",
            f"{one['steps']:.0f}",
            f"{one['reads']:,.0f}",
            f"{one['events']:.0f}",
            one["date"],
        )
        for event, one in sorted(found.items(), key=lambda pair: float(pair[1]["ms"]))
    ]
    return (
        f"### An item with 1,000 open supplies, 366 points and 5,000 promises, the fold alone\n\n{_table(head, rows)}"
    )


def _security(found: Figures) -> str:
    plain, secured = found["PLAINTEXT"], found["SASL_SSL"]
    rows = [
        _row(f"{what}, {name}", one[part], "exactly once", plain[part]["us"])
        for part, what in (("both", "intake and ledger"), ("ledger", "ledger alone"))
        for name, one in found.items()
    ]
    head = ("", "guarantee", "events/s", "CPU µs/event", "of PLAINTEXT", "peak MiB", "broker µs/event", "outputs")
    title = f"### With TLS and passwords ({secured['events']:,} events, Zipf, {secured['date']})\n"
    return f"{title}\n{_table(head, rows)}\n"


def _machine(machine: Figures) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"Machine: {machine['cpu']}, {machine['memory']}, {machine['system']}, broker and load on the same one.\n"
        f"Python {machine['python']}, {versions}.\n"
    )


def _workload(name: str, results: Figures) -> str:
    ours = results["throughput"][name]
    peers = results.get("peers", {}).get(name, {})
    yardstick = peers.get(_YARDSTICK, {}).get("us")
    both, ledger = ours["both"], ours["ledger"]
    intake_row = _row("  intake alone (the difference)", {"us": ours["intake_us"]}, "", yardstick)
    rows = [
        _row("**atp_stream, intake and ledger**", both, "exactly once", yardstick),
        _row("  ledger alone, log already filled", ledger, "exactly once", yardstick),
        intake_row,
        *(_row(peer.name, peers[key], peer.guarantee, yardstick) for key, peer in PEERS.items() if key in peers),
    ]
    head = ("", "guarantee", "events/s", "CPU µs/event", "of Streams, tuned", "peak MiB", "broker µs/event", "outputs")
    title = f"### {int(ours['events']):,} events, {WORKLOADS[name].name} ({ours['date']})\n"
    facts = f"State: {int(ours['rows']):,} rows. Outputs: {ours.get('check', 'counted only')}.\n"
    return f"{title}\n{_table(head, rows)}\n{facts}"


def _row(name: str, found: Figures, guarantee: str, yardstick: float | None) -> Row:
    ratio = f"{found['us'] / yardstick:.2f}" if yardstick else ""
    return (
        name,
        guarantee,
        f"{found['events_per_s']:,.0f}" if "events_per_s" in found else "",
        f"{found['us']:.1f}",
        ratio,
        f"{found['peak_bytes'] / _MIB:.0f}" if "peak_bytes" in found else "",
        f"{found['broker_us']:.1f}" if "broker_us" in found else "",
        f"{found['outputs']:,.0f}" if "outputs" in found else "",
    )


def _latency(found: Figures) -> str:
    head = ("events/s", "", "p50 ms", "p99 ms", "max ms", "CPU of the process", "of the broker", "lost", "date")
    all_of = [(name, one) for contender, name in _CONTENDERS.items() for one in found.get(contender, {}).values()]
    rows = [
        (
            f"{int(one['rate']):,}",
            name,
            f"{one['p50_ms']:.0f}",
            f"{one['p99_ms']:.0f}",
            f"{one['max_ms']:.0f}",
            f"{one['cpu_share']:.0%}",
            f"{one['broker_share']:.0%}",
            str(one["lost"]),
            one["date"],
        )
        for name, one in sorted(all_of, key=lambda row: int(row[1]["rate"]))
    ]
    return f"### From a produced reservation to its committed allocation\n\n{_table(head, rows)}"


def _recovery(found: Figures) -> str:
    head = ("rows", "ready, disk wiped", "ready, disk intact", "peak MiB, wiped", "MiB after a start, intact", "date")
    rows = [
        (
            f"{one['rows']:,}",
            f"{one['wiped_s']:.1f} s ({one['wiped_cpu_s']:.1f} s CPU)",
            f"{one['intact_s']:.1f} s ({one['intact_cpu_s']:.1f} s CPU)",
            f"{one['wiped_peak_bytes'] / _MIB:.0f}",
            f"{one['intact_bytes'] / _MIB:.0f}",
            one["date"],
        )
        for one in sorted(found.values(), key=lambda one: int(one["rows"]))
    ]
    return f"### A start, from the process to all six partitions served\n\n{_table(head, rows)}"


def _takeover(found: Figures) -> str:
    head = ("it ends by", "rounds", "served again, median", "worst", "aim", "reservations", "lost", "doubled", "date")
    rows = [
        (
            way,
            str(one["rounds"]),
            f"{one['median_s']:.2f} s",
            f"{one['worst_s']:.2f} s",
            f"{one['aim_s']:g} s",
            f"{one['reservations']:,}",
            str(one["lost"]),
            str(one["doubled"]),
            one["date"],
        )
        for way, one in found.items()
    ]
    return f"### One of two workers goes, until all that it had is served again\n\n{_table(head, rows)}"


def _first_load(found: Figures) -> str:
    head = (
        "items",
        "open orders",
        "time",
        "items/s",
        "sending",
        "CPU µs/message",
        "rows",
        "disk MiB",
        "peak MiB",
        "date",
    )
    rows = [
        (
            f"{one['items']:,}",
            f"{one['orders']:,}",
            f"{one['seconds']:.0f} s",
            f"{one['items_per_s']:,.0f}",
            f"{one['sending_s']:.0f} s",
            f"{one['worker_us']:.0f}",
            f"{one['rows']:,}",
            _each(one["disk_bytes"]),
            _each(one["peak_bytes"]),
            one["date"],
        )
        for one in sorted(found.values(), key=lambda one: int(one["items"]))
    ]
    return f"### The first load of a running shop, two workers\n\n{_table(head, rows)}"


def _each(sizes: Sequence[int]) -> str:
    return " and ".join(f"{size / _MIB:.0f}" for size in sizes)


def _table(head: Row, rows: Sequence[Row]) -> str:
    rule = tuple("---" if place == 0 else "---:" for place in range(len(head)))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows)) + "\n"


def rounded(found: Any) -> Any:
    """Return figures short enough for a terminal."""
    if isinstance(found, dict):
        return {name: rounded(said) for name, said in found.items()}
    return round(found, 2) if isinstance(found, float) else found
