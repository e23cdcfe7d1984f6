"""What a worker makes sure of before it starts: it refuses in one line rather than fail in a thousand."""

import fcntl
import socket
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO

from aiokafka.errors import KafkaError

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import describe_error
from atp_stream.engine.app import TESTED_FAUST
from atp_stream.provision.item_log import find_genesis
from atp_stream.provision.permissions import check_worker
from atp_stream.provision.report import ProvisionError
from atp_stream.provision.topics import administration, configs, partition_replicas
from atp_stream.settings import Settings
from atp_stream.topics import BOUNDED, Topics

_MAX_NAMED = 3  # one line is to stay readable
_NOTE = "genesis"  # in the data directory: the log that its tables were made from
_APP_NOTE = "app"  # beside it: the app whose changelog they repeat


def check_versions() -> None:
    """Refuse a Faust whose insides the engine was not tested with.

    Raises:
        ProvisionError: another version is installed.
    """
    found = version("faust-streaming")
    if found != TESTED_FAUST:
        raise ProvisionError(f"faust-streaming {found} is installed, but only {TESTED_FAUST} was tested: install that")


def claim_directory(directory: Path) -> IO[str]:
    """Take a data directory for this process; it is ours until the returned file is closed.

    Raises:
        ProvisionError: another worker uses it, or it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("w")
    except FileExistsError as error:
        raise ProvisionError(f"the data directory {directory} is a file: set ATP_DATA_DIR to a directory") from error
    except OSError as error:
        raise ProvisionError(f"the data directory {directory} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise ProvisionError(
            f"the data directory {directory} is in use by another worker: give each one its own ATP_DATA_DIR"
        ) from None
    return lock


def check_directory(directory: Path, genesis: str, app_id: str) -> None:
    """Refuse a directory whose tables were made from another log, or by another app.

    Raises:
        ProvisionError: they were.
    """
    app = _noted(directory / _APP_NOTE, app_id)
    if app != app_id:
        raise ProvisionError(
            f"the data directory {directory} belongs to app {app}, but ATP_APP_ID is {app_id}: give this one another"
            " ATP_DATA_DIR"
        )
    log = _noted(directory / _NOTE, genesis)
    if log != genesis:
        raise ProvisionError(
            f"the data directory {directory} belongs to item log {log}, but the log is now {genesis}:"
            " its offsets mean nothing here; remove the directory, or point ATP_BROKER at the old cluster"
        )
    (directory / _APP_NOTE).write_text(app_id)
    (directory / _NOTE).write_text(genesis)


def _noted(note: Path, otherwise: str) -> str:
    return note.read_text() if note.exists() else otherwise


def check_port(host: str, port: int) -> int:
    """Return the port to listen on, a free one for 0.

    Raises:
        ProvisionError: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ProvisionError(
                f"cannot listen on {host}:{port} ({error.strerror}): set ATP_WEB_HOST and ATP_WEB_PORT"
            ) from error
        return int(probe.getsockname()[1])


async def check_topics(settings: Settings, topics: Topics) -> list[str]:
    """Refuse to start without the topics that `atp init` makes; return what to warn of.

    Raises:
        ProvisionError: one is missing, or has another number of partitions than the contract says.
    """
    kafka = KafkaAccess.of(settings)
    async with administration(kafka) as admin:
        counts = {name: len(replicas) for name, replicas in (await partition_replicas(admin)).items()}
        _refuse(kafka, topics, counts)
        if kafka.protected:
            await check_worker(admin, kafka, settings)
        found = await configs(admin, [topic.name for topic in topics.inputs])
    return _unbounded(found)


def _unbounded(found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a line that names the inputs whose messages may be of any size once they are unpacked."""
    wanted = BOUNDED["compression.type"]
    names = [name for name, config in found.items() if config and config.get("compression.type") != wanted]
    line = (
        f"a compressed message of {', '.join(names)} may fill a worker's memory: set compression.type={wanted} there"
        " (producers may go on compressing: the broker unpacks, and refuses what is too large)"
    )
    return [line] if names else []


def _refuse(kafka: KafkaAccess, topics: Topics, counts: Mapping[str, int]) -> None:
    missing = [topic.name for topic in topics.every if topic.name not in counts]
    if missing:
        more = f" and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
        hidden = f", or {kafka.who} may not see them" if kafka.protected else ""
        raise ProvisionError(f"run `atp init`: topics are missing{hidden}: {', '.join(missing[:_MAX_NAMED])}{more}")
    for topic in topics.every:
        if topic.ours and counts[topic.name] != topic.partitions:
            raise ProvisionError(
                f"topic {topic.name} has {counts[topic.name]} partitions, but must have {topic.partitions}:"
                " keys would move between workers; make it anew"
            )


async def read_genesis(settings: Settings) -> str:
    """Return the name of the item log, as its records carry it, or as this directory remembers it.

    Raises:
        ProvisionError: there is none, or partitions disagree, or the log cannot be read.
    """
    try:
        genesis = await find_genesis(settings)
    except (TimeoutError, KafkaError) as error:
        otherwise = f"the item log cannot be read at {settings.bootstrap}"
        raise ProvisionError(describe_error(KafkaAccess.of(settings), error, otherwise)) from error
    note = settings.data_dir / _NOTE
    if genesis is None and note.exists():
        return note.read_text()
    if genesis is None:
        raise ProvisionError("retention has emptied the item log, and this directory does not remember its name")
    return genesis
