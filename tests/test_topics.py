from dataclasses import replace

from atp_stream.settings import FOREVER, Settings
from atp_stream.topics import Topics

TOPICS = Topics.of(Settings())


def test_our_topics_have_the_partitions_of_the_contract():
    expected = {
        "inventory.atp.policy": 1,
        "inventory.atp.item-log": 6,
        "atp-state-changelog": 6,
        "atp-owners": 6,
        "inventory.atp.availability.calculated": 6,
        "inventory.atp.allocation.committed": 6,
        "inventory.atp.allocation.released": 3,
        "inventory.atp.reservation.denied": 3,
        "inventory.atp.reservation.promised": 6,
        "inventory.atp.availability.projected": 6,
        "inventory.atp.stock.drift": 3,
        "inventory.atp.dead-letter": 3,
    }

    assert expected == {topic.name: topic.partitions for topic in TOPICS.every if topic.ours}


def test_the_inputs_are_the_topics_of_upstream_and_the_policy_changes():
    assert [
        "inventory.adjusted",
        "inventory.core.stock.availability.changed",
        "inventory.core.reservation.created",
        "inventory.core.reservation.confirmed",
        "inventory.core.reservation.released",
        "inventory.core.reservation.fulfilled",
        "inventory.core.supply.scheduled",
        "inventory.core.supply.changed",
        "inventory.core.supply.cancelled",
        "inventory.core.supply.received",
        "inventory.atp.policy",
    ] == [topic.name for topic in TOPICS.inputs]


def test_the_item_log_is_stamped_by_the_broker():
    assert TOPICS.item_log.config["message.timestamp.type"] == "LogAppendTime"


def test_the_item_log_is_never_cut_by_size():
    assert TOPICS.item_log.config["retention.bytes"] == "-1"


def test_state_and_changelog_partitions_match_so_that_they_are_assigned_together():
    assert TOPICS.item_log.partitions == TOPICS.state_changelog.partitions


def test_what_holds_the_newest_value_of_a_key_is_compacted():
    assert [
        TOPICS.state_changelog,
        TOPICS.owners,
        TOPICS.availability_calculated,
        TOPICS.availability_projected,
    ] == [topic for topic in TOPICS.every if topic.config.get("cleanup.policy") == "compact"]


def test_the_prefix_is_for_our_topics_only():
    prefixed = Topics.of(replace(Settings(), topic_prefix="staging."))

    assert ("staging.inventory.atp.item-log", "inventory.adjusted") == (prefixed.item_log.name, prefixed.adjusted.name)


def test_the_changelog_is_named_by_the_application():
    assert Topics.of(replace(Settings(), app_id="west")).state_changelog.name == "west-state-changelog"


def test_retention_forever_is_kafkas_minus_one():
    kept = Topics.of(replace(Settings(), item_log_retention=FOREVER))

    assert kept.item_log.config["retention.ms"] == "-1"


def test_no_topic_of_ours_elects_a_leader_that_lost_writes():
    assert {"false"} == {topic.config["unclean.leader.election.enable"] for topic in TOPICS.every if topic.ours}
