"""The container files, read rather than run: what they name exists here, and what they publish stays on loopback."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from atp_stream import __version__
from atp_stream.cli import main as atp
from atp_stream.devstack import artifacts
from atp_stream.settings import SettingError, Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
WORKERS = [name for name in OURS if SERVICES[name]["command"] == ["worker"]]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
A_RELEASE = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?")


def image_settings() -> dict[str, str]:
    (block,) = re.findall(r"^ENV ((?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
    return dict(pair.split("=", 1) for pair in block.replace("\\\n", " ").split())


def ours_alone(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("ATP_")}


def settings_of(name: str) -> Settings:
    return Settings.from_environment(ours_alone({**image_settings(), **SERVICES[name]["environment"]}))


def test_every_image_is_pinned_to_a_release() -> None:
    images = [service["image"] for service in SERVICES.values()] + re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert [] == [image for image in images if not A_RELEASE.fullmatch(image)]


def test_the_images_of_the_board_are_named_by_their_digests() -> None:
    assert [] == [name for name in ("prometheus", "grafana") if "@sha256:" not in SERVICES[name]["image"]]


def test_the_board_has_no_administrator_whose_password_everybody_knows() -> None:
    variables = SERVICES["grafana"]["environment"]

    assert "true" == variables["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == variables["GF_AUTH_DISABLE_LOGIN_FORM"]
    assert ("true", "Viewer") == (variables["GF_AUTH_ANONYMOUS_ENABLED"], variables["GF_AUTH_ANONYMOUS_ORG_ROLE"])


def test_kafka_and_the_registry_are_those_that_the_tests_run_against() -> None:
    kafka, registry = (artifacts.of(name).version for name in (artifacts.KAFKA, artifacts.REGISTRY))

    assert f"apache/kafka:{kafka}" == SERVICES["kafka"]["image"].partition("@")[0]
    assert f"apicurio/apicurio-registry-mem:{registry}" == SERVICES["registry"]["image"]


def test_our_image_has_the_version_of_the_package() -> None:
    assert {f"atp-stream:{__version__}"} == {SERVICES[name]["image"] for name in OURS}


def test_every_published_port_is_on_loopback() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published
    assert [] == [port for port in published if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)]


def test_no_two_services_publish_the_same_port() -> None:
    published = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]

    assert sorted(set(published)) == sorted(published)


def test_every_service_has_a_health_check_or_runs_once() -> None:
    unchecked = [name for name, service in SERVICES.items() if "healthcheck" not in service]

    assert ["init"] == unchecked
    assert "no" == SERVICES["init"]["restart"]


def test_whoever_is_waited_for_can_say_that_it_is_done() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            wanted = "service_healthy" if "healthcheck" in SERVICES[name] else "service_completed_successfully"
            assert wanted == wait["condition"]


def test_there_are_two_workers_and_each_keeps_its_tables_in_a_volume_of_its_own() -> None:
    mounts = [SERVICES[name]["volumes"] for name in WORKERS]

    assert [["worker-1:/var/lib/atp"], ["worker-2:/var/lib/atp"]] == mounts
    assert {"kafka", "worker-1", "worker-2"} == set(COMPOSE["volumes"])
    assert settings_of(WORKERS[0]).data_dir.is_relative_to("/var/lib/atp")


@pytest.mark.parametrize("name", OURS)
def test_every_setting_exists_and_has_a_value_that_is_allowed(name: str) -> None:
    settings = settings_of(name)

    assert ("kafka:19092",) == settings.brokers
    assert "http://registry:8080/apis/ccompat/v7" == settings.registry_url


@pytest.mark.parametrize("name", WORKERS)
def test_workers_reach_each_other_and_are_asked_where_they_listen(name: str) -> None:
    settings = settings_of(name)

    assert f"http://{name}:{settings.web_port}" == settings.web_url
    assert "0.0.0.0" == settings.web_host
    assert f":{settings.web_port}" == SERVICES[name]["ports"][0][-5:]
    assert ["CMD", "atp", "health", "--ready"] == SERVICES[name]["healthcheck"]["test"]
    settings.check_worker()


def test_what_containers_run_are_commands_of_atp() -> None:
    commands = [SERVICES[name]["command"] for name in OURS]

    assert [["init"], ["worker"], ["worker"]] == commands
    assert [] == [words for words in commands if words[0] not in atp.commands]
    assert 'ENTRYPOINT ["atp"]' in DOCKERFILE


def test_kafka_gives_containers_and_this_machine_addresses_that_each_can_reach() -> None:
    kafka = SERVICES["kafka"]
    advertised = dict(part.split("://") for part in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(","))

    assert {"INTERNAL": "kafka:19092", "HOST": "localhost:9092"} == advertised
    assert ["127.0.0.1:9092:9092"] == kafka["ports"]
    assert advertised["INTERNAL"] == settings_of("init").bootstrap


def test_the_image_is_built_from_all_that_the_wheel_is_made_of_and_the_locks() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    texts = {"pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    locks = {"requirements/build.lock", "requirements/product.lock"}
    needed = {*texts, *wheel["packages"], *wheel["force-include"], *locks}
    build = DOCKERFILE.split("\nFROM")[1]
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", build, re.MULTILINE) for word in line.split()}
    let_through = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))

    assert needed == copied
    assert needed == let_through


def test_the_image_runs_as_a_user_without_rights_that_has_a_number() -> None:
    assert ["10001:10001"] == re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)
    assert "--owner 10001 --group 10001 /var/lib/atp" in DOCKERFILE


def test_what_the_image_is_made_from_is_one_image_by_its_digest() -> None:
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))

    assert 1 == len(bases)
    assert re.fullmatch(r"python:[\w.-]+@sha256:[0-9a-f]{64}", bases.pop())


def test_the_image_says_what_it_is_as_the_package_does() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', DOCKERFILE))

    assert {
        "title": "atp_stream",
        "description": PROJECT["project"]["description"],
        "licenses": PROJECT["project"]["license"],
        "version": "${VERSION}",
        "revision": "${REVISION}",
        "base.name": "docker.io/library/python:3.11.13-slim-bookworm",
    } == labels
    assert f"ARG VERSION={__version__}\n" in DOCKERFILE


def test_the_image_looks_after_its_own_health_with_a_command_of_ours() -> None:
    assert ['["atp", "health"]'] == re.findall(r"^HEALTHCHECK .*\\\n  CMD (.*)$", DOCKERFILE, re.MULTILINE)
    assert "health" in atp.commands


def test_the_image_alone_serves_nobody_before_somebody_says_who_may_ask() -> None:
    with pytest.raises(SettingError, match="ATP_WEB_INSECURE=1"):
        Settings.from_environment(ours_alone(image_settings())).check_worker()


@pytest.mark.parametrize("name", OURS)
def test_our_containers_gain_no_rights_and_write_to_their_volume_alone(name: str) -> None:
    service = SERVICES[name]

    assert (True, ["ALL"], ["/tmp"]) == (service["read_only"], service["cap_drop"], service["tmpfs"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_gains_rights_or_takes_all_the_memory(name: str) -> None:
    service = SERVICES[name]

    assert ["no-new-privileges:true"] == service["security_opt"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])


def test_the_image_has_a_python_that_the_package_wants_and_no_tools_of_ours() -> None:
    assert {"3.11"} == set(re.findall(r"^FROM python:(\d+\.\d+)", DOCKERFILE, re.MULTILINE))
    assert ">=3.11" == PROJECT["project"]["requires-python"]
    assert [("/opt/build", "build"), ("/opt/atp", "product")] == re.findall(
        r"(/\S+)/bin/pip install .*--require-hashes -r requirements/(\w+)\.lock", DOCKERFILE
    )
    assert ["/opt/atp /opt/atp"] == re.findall(r"^COPY --from=build (.*)$", DOCKERFILE, re.MULTILINE)
