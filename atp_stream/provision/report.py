"""What `atp init` found and did."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of one thing that must exist."""

    CREATED = "created"
    PRESENT = "present"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that must exist; `detail` says what it is, or how it differs."""

    kind: str
    name: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order in which they were made."""

    findings: tuple[Finding, ...]

    @property
    def drifted(self) -> bool:
        """Whether something exists that is not as it must be."""
        return any(finding.verdict is Verdict.DIFFERS for finding in self.findings)


class ProvisionError(Exception):
    """The work cannot be done at all; the text is one line that says why and what to do."""
