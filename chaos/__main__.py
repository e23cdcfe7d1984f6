"""`python -m chaos --seed 1 --minutes 4`: one run, its table on stdout; `--json FILE` for programs."""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

from atp_stream.settings import Settings
from chaos.load import WINDOW_S
from chaos.run import Options, run

_INSIDE = "--tmpfs"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description="Faults under load on the real stack, then the judges.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second")
    parser.add_argument("--window", type=float, default=WINDOW_S, help="how many seconds late a fact of stock may be")
    parser.add_argument("--session", type=float, default=5.0, help="session timeout of the workers, seconds")
    parser.add_argument("--brokers", type=int, default=1, help="how many brokers; several have faults of their own")
    parser.add_argument("--soak", action="store_true", help="one kill a minute, and the growth of memory is measured")
    parser.add_argument(
        "--blind", choices=["fencing", "position"], default="", help="switch a guard off: the run must then fail"
    )
    parser.add_argument("--keep", type=Path, help="directory for all files; they are left there")
    parser.add_argument("--json", type=Path, help="file for the report")
    parser.add_argument(_INSIDE, action="store_true", help="give a worker a small disk: this process may mount one")
    return parser.parse_args()


def _may_mount() -> bool:
    if os.geteuid() or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


def main() -> int:
    """Run, and return 0 if nothing was lost, doubled, wrong or stuck."""
    said = _arguments()
    if not said.tmpfs and _may_mount():  # start again in a mount namespace of its own
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-m", "chaos", _INSIDE, *sys.argv[1:]])
    options = Options(
        seed=said.seed,
        seconds=said.minutes * 60,
        rate=said.rate,
        window=said.window,
        session=said.session,
        brokers=said.brokers,
        blind=said.blind,
        tmpfs=said.tmpfs,
        keep=said.keep,
        soak=said.soak,
        epilogue=not said.blind and not said.soak and said.minutes >= 2,
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it would complain of brokers that this run has killed
    report = run(options, Settings().java_dir, lambda words: print(words, file=sys.stderr, flush=True))
    for line in report.lines():
        print(line)
    if said.json:
        said.json.write_text(json.dumps(report.plain(), indent=2))
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
