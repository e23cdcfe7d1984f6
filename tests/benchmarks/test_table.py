"""The README's figures."""

from typing import Any

from benchmarks.table import BEGIN, END, figures, rewritten

MACHINE = {"cpu": "2 x CPU", "memory": "8 GiB", "system": "Linux 6.1", "python": "3.11", "versions": {"Kafka": "4.1.2"}}
OURS = {"us": 20.0, "events_per_s": 40_000.0, "broker_us": 5.0, "peak_bytes": 2**28, "outputs": 9.0}
RESULTS: dict[str, Any] = {
    "machine": MACHINE,
    "throughput": {
        "zipf": {
            "events": 7, "both": OURS, "ledger": {**OURS, "us": 12.0}, "intake_us": 8.0, "rows": 3,
            "date": "2026-11-24", "check": "balanced",
        },
    },
    "peers": {"zipf": {"tuned": {**OURS, "us": 10.0}}},
}  # fmt: skip


def test_only_what_is_between_the_marks_is_written_anew() -> None:
    written = rewritten(f"before\n{BEGIN}\nold\n{END}\nafter\n", RESULTS)

    assert written.startswith(f"before\n{BEGIN}\n\nMachine: 2 x CPU")
    assert written.endswith(f"{END}\nafter\n")
    assert "old" not in written


def test_writing_again_changes_nothing() -> None:
    once = rewritten(f"before\n{BEGIN}\n{END}\nafter\n", RESULTS)

    assert once == rewritten(once, RESULTS)


def test_each_row_says_its_ratio_to_a_tuned_kafka_streams() -> None:
    rows = figures(RESULTS).splitlines()

    assert "| **atp_stream, intake and ledger** | exactly once | 40,000 | 20.0 | 2.00 | 256 | 5.0 | 9 |" in rows
    assert "| Kafka Streams, tuned | exactly once | 40,000 | 10.0 | 1.00 | 256 | 5.0 | 9 |" in rows


def test_what_was_not_measured_has_no_table() -> None:
    assert "latency" not in figures({"machine": MACHINE})


def test_what_tls_costs_is_reported_as_a_ratio_of_the_same_work_without_it() -> None:
    plain = {"events": 7, "both": OURS, "ledger": OURS, "date": "2026-11-28"}
    found = {"PLAINTEXT": plain, "SASL_SSL": {**plain, "both": {**OURS, "us": 25.0}}}
    rows = figures({"machine": MACHINE, "security": found}).splitlines()

    assert "| intake and ledger, SASL_SSL | exactly once | 40,000 | 25.0 | 1.25 | 256 | 5.0 | 9 |" in rows
    assert "| ledger alone, SASL_SSL | exactly once | 40,000 | 20.0 | 1.00 | 256 | 5.0 | 9 |" in rows


def test_our_latency_is_beside_that_of_the_peer_rate_by_rate() -> None:
    one = {
        "p50_ms": 11.4, "p99_ms": 31.0, "max_ms": 40.0, "cpu_share": 0.08, "broker_share": 0.12, "lost": 0,
        "date": "2026-11-28",
    }  # fmt: skip
    theirs = {**one, "p50_ms": 120.0, "lost": 1}
    latency = {
        "atp": {"2000": {**one, "rate": 2_000.0}, "10": {**one, "rate": 10}},
        "streams": {"10": {**theirs, "rate": 10}},
    }
    rows = figures({"machine": MACHINE, "latency": latency}).splitlines()

    assert [
        "| 10 | **atp_stream** | 11 | 31 | 40 | 8% | 12% | 0 | 2026-11-28 |",
        "| 10 | Kafka Streams, equal work | 120 | 31 | 40 | 8% | 12% | 1 | 2026-11-28 |",
        "| 2,000 | **atp_stream** | 11 | 31 | 40 | 8% | 12% | 0 | 2026-11-28 |",
    ] == rows[-3:]


def test_a_first_load_says_time_and_rows_and_the_memory_of_each_worker() -> None:
    load = {
        "items": 500_000, "orders": 50_000, "seconds": 200.4, "items_per_s": 2_495.0, "sending_s": 20.0,
        "worker_us": 250.0, "rows": 1_050_000, "disk_bytes": [2**28, 2**27], "resident_bytes": [1, 1],
        "peak_bytes": [2**28, 2**28], "date": "2026-11-28",
    }  # fmt: skip
    rows = figures({"machine": MACHINE, "first_load": {"500000": load}}).splitlines()

    assert (
        "| 500,000 | 50,000 | 200 s | 2,495 | 20 s | 250 | 1,050,000 | 256 and 128 | 256 and 256 | 2026-11-28 |" in rows
    )


def test_a_worker_that_goes_is_reported_by_the_way_it_ends_and_beside_its_aim() -> None:
    killed = {
        "rounds": 5, "median_s": 10.412, "worst_s": 11.9, "aim_s": 12.0, "reservations": 12_345, "lost": 0,
        "doubled": 0, "date": "2026-11-28",
    }  # fmt: skip
    rows = figures({"machine": MACHINE, "takeover": {"kill -9": killed}}).splitlines()

    assert "| kill -9 | 5 | 10.41 s | 11.90 s | 12 s | 12,345 | 0 | 0 | 2026-11-28 |" in rows


def test_the_cost_of_an_item_full_of_dates_is_reported_by_kind_of_event() -> None:
    one = {
        "ms": 7.44, "max_ms": 10.2, "longest_step_ms": 9.9, "steps": 1, "reads": 1_019, "events": 40,
        "date": "2026-11-28",
    }  # fmt: skip
    rows = figures({"machine": MACHINE, "dates": {"confirm": one}}).splitlines()
    assert "| confirm | 7.4 | 10.2 | 9.9 | 1 | 1,019 | 40 | 2026-11-28 |" in rows


def test_open_pages_are_beside_no_page_by_what_an_event_costs() -> None:
    common = {"p50_ms": 20.4, "p99_ms": 90.0, "step_ms": 4.0, "told": 1200.0, "date": "2026-11-28"}
    pages = {
        "eight pages": {**common, "us": 41.2, "of_nobody": 1.0312},
        "no page": {**common, "us": 40.0, "of_nobody": 1.0},
    }
    orders = {"100": {"orders": 1500, "p50_ms": 21.0, "p99_ms": 80.0, "undecided": 0, "date": "2026-11-28"}}
    rows = figures({**RESULTS, "pages": pages, "checkout": orders}).splitlines()

    assert "| eight pages | 41.2 | 1.031 | 20 | 90 | 4.0 | 1,200 | 2026-11-28 |" in rows
    assert any("at 100 a second: 1,500 orders, p50 21 ms, p99 80 ms, 0 not committed" in row for row in rows)
