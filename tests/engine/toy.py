"""The smallest application of the engine: counts what comes in per key, and says every new count.

Run as a worker: python toy.py BOOTSTRAP DATADIR PORT. Its log's first record is written by the test.
"""

import sys
from collections.abc import Sequence
from typing import Any

import faust

from atp_stream.access import KafkaAccess
from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.partition_state import Store
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.position import GENESIS_HEADER, SOURCE_HEADER, LogRecord
from atp_stream.engine.runs import add_reader
from atp_stream.engine.tables import StateTable
from atp_stream.records import Output

LOG, IN, OUT, OWNERS, APP, PARTITIONS = "toy-log", "toy-in", "toy-out", "toy-owners", "toy", 3
GENESIS = "0123456789ab"


def fold(partition: int, store: Store, records: Sequence[LogRecord]) -> Answer:
    rows: dict[bytes, bytes | None] = {}
    outputs = []
    for record in records:
        row = rows.get(record.key) or store.read(record.key)
        count = int(row or b"0") + 1
        rows[record.key] = b"%d" % count
        outputs.append(Output(OUT, partition, record.key, b"%d %s" % (count, record.value), []))
    return Answer(len(records), rows, outputs, unfinished=False)


def translate(record: Any) -> list[Output]:
    name = b"t|" + record.value[:1]
    source = f"{record.topic}/{record.partition}/{record.offset}".encode()
    headers = [(GENESIS_HEADER, GENESIS.encode()), (SOURCE_HEADER, source)]
    return [Output(LOG, partition_of(name, PARTITIONS), name, record.value, headers)]


def create_app(bootstrap: str, datadir: str, port: int) -> EngineApp:
    app = EngineApp(
        APP,
        broker=f"kafka://{bootstrap}",
        datadir=datadir,
        topic_partitions=PARTITIONS,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        table_standby_replicas=1,
        web_port=port,
        web_bind="127.0.0.1",
        web_host="127.0.0.1",
    )
    table = StateTable(app, name="state", partitions=PARTITIONS, tombstones_kept=86_400.0)
    app.install(
        log_topic=LOG,
        log_retention_s=-1,
        owners_topic=OWNERS,
        table=table,
        fold=fold,
        translate=translate,
        genesis=GENESIS,
        kafka=KafkaAccess(bootstrap),
    )

    add_reader(app, "steps", LOG)
    add_reader(app, "intake", IN)

    @app.page("/owned")
    async def owned(web: Any, request: Any) -> Any:
        ready = app.tables.actives_ready and not app.rebalancing
        return web.json({"owned": sorted(app.steps.owned()) if ready else None})

    return app


if __name__ == "__main__":
    application = create_app(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    faust.Worker(application, loglevel="INFO", redirect_stdouts=False).execute_from_commandline()
