"""What is made of a take-over that is measured."""

from benchmarks.takeover import Wait, figures, longest_wait

SIGNAL = 100.0


def test_all_is_served_again_when_the_one_that_waited_longest_is_committed() -> None:
    sent = {"kept": 99.99, "moved": 100.25, "moved later": 105.0, "afterwards": 112.0}
    seen = {"kept": 100.02, "moved": 110.5, "moved later": 110.6, "afterwards": 112.1}

    assert Wait(10.5, 10.25) == longest_wait(sent, seen, SIGNAL)


def test_one_that_was_on_its_way_when_the_worker_went_counts() -> None:
    assert Wait(9.0, 9.5) == longest_wait({"on its way": 99.5}, {"on its way": 109.0}, SIGNAL)


def test_what_was_committed_before_does_not_count() -> None:
    sent, seen = {"slow": 80.0, "next": 100.0}, {"slow": 99.0, "next": 100.25}

    assert Wait(0.25, 0.25) == longest_wait(sent, seen, SIGNAL)


def test_figures_are_of_the_time_until_all_is_served() -> None:
    waits = [Wait(1.0, 0.9), Wait(3.0, 0.1), Wait(2.0, 0.5)]

    assert {"rounds": 3, "median_s": 2.0, "worst_s": 3.0} == figures(waits)
