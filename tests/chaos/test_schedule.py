"""A seed says which fault strikes when; a whole run has all of them, and kills enough."""

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


def test_four_minutes_on_several_brokers_have_their_faults_instead_of_those_of_one():
    names = {fault.name for fault in plan(1, 240, brokers=3)}

    assert ({*BROKERS}, {"broker_frozen"}) == (names & {*BROKER, *BROKERS}, names & {*BROKER})


def test_a_short_run_on_several_brokers_has_some_of_their_faults():
    names = [fault.name for fault in plan(1, 60, brokers=3)]

    assert (3, sorted(SHORT)) == (len({*names} & {*BROKERS}), sorted(name for name in names if name in SHORT))


def test_a_short_run_has_some_kills_and_a_freeze():
    assert sorted(SHORT) == sorted(fault.name for fault in plan(1, 40))
