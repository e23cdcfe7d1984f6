"""`python -m atp_stream` is `atp`."""

from atp_stream.cli import main

main(prog_name="atp")
