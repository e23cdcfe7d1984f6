"""A seed says which fault strikes when; a whole run has all of them, and kills enough."""

from collections import Counter
from itertools import pairwise

import pytest

from chaos.schedule import BROKER, BROKERS, KILLS, OTHERS, SHORT, plan


def kills(faults):
    return [fault for fault in faults if fault.name.split()[0] in {"kill", "wipe", "corrupt"}]


def test_a_seed_gives_the_same_faults_again():
    assert plan(7, 240) == plan(7, 240)


def test_another_seed_gives_others():
    assert plan(7, 240) != plan(8, 240)


@pytest.mark.parametrize("seed", range(20))
def test_four_minutes_have_every_fault_and_more_than_twenty_kills(seed):
    faults = plan(seed, 240)

    assert {*OTHERS, *BROKER, *KILLS} <= {fault.name for fault in faults}
    assert 22 <= len(kills(faults))


@pytest.mark.parametrize("seconds", [30, 60, 240])
def test_faults_come_in_order_and_leave_time_before_and_behind(seconds):
    times = [fault.at for fault in plan(3, seconds)]

    assert sorted(times) == times
    assert 6.0 <= times[0]
    assert times[-1] <= seconds - 6


@pytest.mark.parametrize("brokers", [1, 3])
@pytest.mark.parametrize("seed", range(20))
def test_each_kind_of_fault_comes_once_before_any_comes_again(seed, brokers):
    names = [fault.name for fault in plan(seed, 240, brokers)]
    of_brokers = {*BROKER, *BROKERS}
    for lane in ([n for n in names if n in of_brokers], [n for n in names if n not in of_brokers]):
        assert len({*lane}) == len({*lane[: len({*lane})]})


@pytest.mark.parametrize("seed", range(20))
def test_four_minutes_on_three_brokers_have_each_fault_of_brokers_once_and_zombies_and_storms(seed):
    names = [fault.name for fault in plan(seed, 240, brokers=3)]

    assert sorted(BROKERS) == sorted(name for name in names if name in {*BROKER, *BROKERS})
    assert (4, 1) == (sum(name.startswith("freeze") for name in names), names.count("storm"))


@pytest.mark.parametrize("seed", range(20))
def test_four_minutes_on_one_broker_have_each_fault_of_a_broker_once_and_zombies_and_storms(seed):
    names = [fault.name for fault in plan(seed, 240)]

    assert sorted(BROKER) == sorted(name for name in names if name in {*BROKER, *BROKERS})
    assert (4, 1) == (sum(name.startswith("freeze") for name in names), names.count("storm"))


@pytest.mark.parametrize("seed", range(20))
def test_faults_of_brokers_leave_each_other_time_to_heal(seed):
    times = [fault.at for fault in plan(seed, 240, brokers=3) if fault.name in BROKERS]

    assert 29 < min(later - earlier for earlier, later in pairwise(times))


def test_ten_minutes_on_three_brokers_have_each_of_their_faults_twice():
    names = Counter(fault.name for fault in plan(1, 600, brokers=3))

    assert dict.fromkeys(BROKERS, 2) == {name: names[name] for name in BROKERS}


def test_a_short_run_on_several_brokers_has_some_of_their_faults():
    names = [fault.name for fault in plan(1, 60, brokers=3)]

    assert (3, sorted(SHORT)) == (len({*names} & {*BROKERS}), sorted(name for name in names if name in SHORT))


def test_short_runs_of_a_few_seeds_have_every_fault_of_brokers():
    assert {*BROKERS} <= {fault.name for seed in range(1, 9) for fault in plan(seed, 60, brokers=3)}


def test_a_short_run_has_some_kills_and_a_freeze():
    assert sorted(SHORT) == sorted(fault.name for fault in plan(1, 40))
