"""A report names how often each kind of fault struck."""

from collections import Counter

from chaos.report import Report


def test_a_report_sums_up_what_struck_workers_and_brokers():
    report = Report(seed=1, seconds=240)
    report.kills = Counter({"before_commit": 2, "anywhere": 3})
    report.faults = Counter({"freeze": 2, "freeze after_commit": 1, "storm": 1, "leader_killed": 1, "below_min_isr": 2})

    assert {
        "kill -9": 5, "zombies": 3, "storms": 1, "leader killed": 1, "below min isr": 2,
    } == report.struck  # fmt: skip
    assert "  struck: kill -9 5, zombies 3, storms 1, leader killed 1, below min isr 2" == report.lines()[1]
