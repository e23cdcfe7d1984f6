import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from atp_stream.settings import LogFormat, LogLevel, SettingError, Settings, Wire, catalogue


def refusal(**environment: str) -> str:
    with pytest.raises(SettingError) as raised:
        Settings.from_environment(environment)
    return str(raised.value)


def test_an_empty_environment_gives_the_defaults():
    assert Settings() == Settings.from_environment({})


def test_the_defaults_are_loopback_and_avro_and_no_tenant():
    settings = Settings()

    assert ("127.0.0.1:9092", "127.0.0.1", Wire.AVRO, "") == (
        settings.bootstrap,
        settings.web_host,
        settings.wire,
        settings.default_tenant,
    )


def test_values_are_read_with_their_types():
    settings = Settings.from_environment(
        {
            "ATP_DATA_DIR": "/var/lib/atp",
            "ATP_LOG_FORMAT": "json",
            "ATP_SESSION_TIMEOUT": "4.5",
            "ATP_STANDBYS": "0",
            "ATP_WEB_PORT": "0",
        }
    )

    assert (Path("/var/lib/atp"), LogFormat.JSON, 4.5, 0, 0) == (
        settings.data_dir,
        settings.log_format,
        settings.session_timeout,
        settings.standbys,
        settings.web_port,
    )


@pytest.mark.parametrize(
    ("text", "brokers"),
    [
        ("one:1", ("one:1",)),
        ("kafka://one:1", ("one:1",)),
        ("kafka://one:1;kafka://two:2", ("one:1", "two:2")),
        ("one:1, two", ("one:1", "two:9092")),
        ("[::1]:9092", ("[::1]:9092",)),
    ],
)
def test_brokers_are_accepted_as_kafka_and_as_faust_write_them(text, brokers):
    assert brokers == Settings.from_environment({"ATP_BROKER": text}).brokers


@pytest.mark.parametrize("text", ["", "http://one:1", "one:0", "one:65536", "one:x", "one:1,,two:2", "a b:1"])
def test_a_broker_that_cannot_be_one_is_refused(text):
    expected = f"ATP_BROKER={text!r} is not allowed: give host:port, or several with commas between"

    assert expected == refusal(ATP_BROKER=text)


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("5m", 300_000), ("12h", 43_200_000), ("30d", 2_592_000_000), ("forever", -1)]
)
def test_durations_carry_their_unit(text, milliseconds):
    assert milliseconds == Settings.from_environment({"ATP_ITEM_LOG_RETENTION": text}).item_log_retention


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("ATP_APP_ID", ""),
        ("ATP_APP_ID", "a/b"),
        ("ATP_REGISTRY_URL", "registry:8081"),
        ("ATP_DATA_DIR", ""),
        ("ATP_WEB_PORT", "-1"),
        ("ATP_WEB_PORT", "٣"),
        ("ATP_WEB_PORT", "65536"),
        ("ATP_WEB_HOST", "a b"),
        ("ATP_WEB_URL", "here"),
        ("ATP_WIRE", "AVRO"),
        ("ATP_DEFAULT_TENANT", "a\nb"),
        ("ATP_DEFAULT_TENANT", "é" * 128),
        ("ATP_STANDBYS", "6"),
        ("ATP_SESSION_TIMEOUT", "0.5"),
        ("ATP_SESSION_TIMEOUT", "nan"),
        ("ATP_REPLICATION_FACTOR", "0"),
        ("ATP_ITEM_LOG_RETENTION", "0d"),
        ("ATP_ITEM_LOG_RETENTION", "7"),
        ("ATP_TOPIC_CREATED", "a topic"),
        ("ATP_LOG_LEVEL", "verbose"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_name(variable, text):
    assert refusal(**{variable: text}).startswith(f"{variable}={text!r} is not allowed: give ")


def test_a_level_of_the_log_may_have_capitals():
    assert LogLevel.WARNING is Settings.from_environment({"ATP_LOG_LEVEL": "WARNING"}).log_level


def test_a_misspelt_variable_is_refused_with_the_right_spelling():
    assert refusal(ATP_BROKERS="one:1") == "ATP_BROKERS is not a setting; did you mean ATP_BROKER?"


def test_a_variable_that_resembles_none_is_refused():
    assert refusal(ATP_XYZZY="1") == "ATP_XYZZY is not a setting"


def test_more_copies_in_sync_than_copies_are_refused():
    assert "ATP_MIN_ISR='2' is not allowed: give at most ATP_REPLICATION_FACTOR (1)" == refusal(ATP_MIN_ISR="2")


def test_variables_of_others_are_left_alone():
    assert Settings() == Settings.from_environment({"PATH": "/bin", "FAUST_LOOP": "x"})


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Settings().web_port = 1  # type: ignore[misc]


def test_every_setting_is_explained_in_one_sentence():
    assert [] == [row.variable for row in catalogue() if not re.fullmatch(r"[A-Z].*\.", row.doc)]


def test_every_default_is_allowed_for_its_own_variable():
    environment = {row.variable: row.default for row in catalogue()}

    assert Settings() == Settings.from_environment(environment)


def test_a_relative_directory_is_reported_with_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"ATP_DATA_DIR": "tables"})

    assert (tmp_path / "tables", tmp_path / ".atp" / "stack") == (settings.data_dir, settings.stack_dir)
