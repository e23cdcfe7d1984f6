"""A worker's web server without a worker behind it."""

from tests.web.conftest import app, idle

__all__ = ["app", "idle"]
