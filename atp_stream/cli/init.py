"""`atp init`: topics, schemas, and the first records of the item log."""

import asyncio
from collections import Counter

import click

from atp_stream.cli.group import as_json, pass_settings, print_json
from atp_stream.provision import Report, Verdict, initialise
from atp_stream.settings import Settings


@click.command()
@as_json
@pass_settings
@click.pass_context
def init(ctx: click.Context, settings: Settings, *, as_json: bool) -> None:
    """Create topics, schemas, genesis and the default policy, where they are missing.

    What exists is never changed: what differs is listed, and the exit code is 1.

    Example: ATP_REPLICATION_FACTOR=3 ATP_MIN_ISR=2 atp init
    """
    report = asyncio.run(initialise(settings))
    if as_json:
        findings = [
            {"kind": f.kind, "name": f.name, "verdict": f.verdict.value, "detail": f.detail} for f in report.findings
        ]
        print_json({"drifted": report.drifted, "findings": findings})
    else:
        _print_table(report)
    if report.drifted:
        ctx.exit(1)


def _print_table(report: Report) -> None:
    width = max(len(finding.name) for finding in report.findings)
    for finding in report.findings:
        line = f"{finding.verdict.value:<8} {finding.kind:<8} {finding.name:<{width}}  {finding.detail}".rstrip()
        click.secho(line, fg="red" if finding.verdict is Verdict.DIFFERS else None)
    counted = Counter(finding.verdict for finding in report.findings)
    click.echo(", ".join(f"{counted[verdict]} {verdict.value}" for verdict in Verdict if counted[verdict]))
