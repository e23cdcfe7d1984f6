"""Everything that a worker serves over HTTP."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohttp import web

from atp_stream import __version__
from atp_stream.engine.app import EngineApp
from atp_stream.engine.watermark import TimeKeeper
from atp_stream.messages.registry import SchemaCache
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS, Topics
from atp_stream.web.admission import ADMISSION, Admission
from atp_stream.web.availability import add_availability
from atp_stream.web.bodies import TURNS, Turns
from atp_stream.web.checkout import add_checkout
from atp_stream.web.dead_letters import add_dead_letters
from atp_stream.web.endpoint import Page, Pages, json_response
from atp_stream.web.events import Events, add_events
from atp_stream.web.explain import add_explain
from atp_stream.web.finding import add_finding
from atp_stream.web.health import add_health
from atp_stream.web.items import add_items
from atp_stream.web.listener import serve
from atp_stream.web.metrics import Metrics, add_metrics
from atp_stream.web.policies import add_policies
from atp_stream.web.problems import OBSERVE
from atp_stream.web.projection import add_projection
from atp_stream.web.promise import add_promise
from atp_stream.web.query import add_query
from atp_stream.web.queue import add_queue
from atp_stream.web.references import add_references
from atp_stream.web.reservations import add_reservations
from atp_stream.web.routing import PEERS
from atp_stream.web.site import add_site
from atp_stream.web.supplies import add_supplies
from atp_stream.web.tls import client_tls
from atp_stream.web.watches import Watches
from atp_stream.web.workers import add_workers


def _index(pages: Pages) -> Page:
    async def index(request: web.Request) -> web.Response:
        return json_response({"name": "atp_stream", "version": __version__, "views": pages.views})

    return index


class Served(NamedTuple):
    """The views that get each committed step."""

    metrics: Metrics
    events: Events
    watches: Watches


def add_web(
    app: EngineApp,
    settings: Settings,
    topics: Topics,
    schemas: SchemaCache,
    messages: Mapping[tuple[str, str], int],
    unread: Mapping[str, int],
    timekeeper: TimeKeeper,
) -> Served:
    """Serve all views of an installed app; return the views that get each step. Raises SettingError if that cannot be.

    `messages` counts input records by (topic, what became of them), `unread` those with fields that nobody reads, as
    far as they were looked at, by topic; `timekeeper` knows how long what is due has waited for
    input, and for which.
    """
    metrics = Metrics(app, topics, messages, unread, timekeeper)
    server: Any = app.web
    server.web_app[OBSERVE] = metrics.request
    server.web_app[ADMISSION] = Admission(app, settings)
    server.web_app[TURNS] = Turns(settings.web_max_queries, settings.web_max_queries * LOG_PARTITIONS)
    server.web_app[PEERS] = client_tls(settings.web_ca)
    serve(server, settings, metrics.turned_away)
    pages = Pages(app)
    add_site(pages, _index(pages))  # first: Faust puts an index of its own behind it
    for add in (add_explain, add_queue, add_projection, add_promise, add_supplies):
        add(app, pages)  # in front of the channels: one that is called `explain`, say, has no view of its own
    for add in (add_availability, add_query, add_references, add_finding):
        add(app, pages)
    watches = Watches(app)
    server.web_app.on_shutdown.append(lambda _: watches.close())
    add_reservations(app, pages, watches)
    add_checkout(app, pages, settings, topics, watches)
    add_policies(app, pages, topics)
    add_health(app, pages, schemas, topics, timekeeper)
    add_metrics(metrics, pages)
    add_items(app, pages)
    add_workers(app, pages, settings, topics, timekeeper)
    add_dead_letters(pages, settings, topics)
    return Served(metrics, add_events(app, pages, schemas), watches)
