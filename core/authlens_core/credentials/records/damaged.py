"""The records that cannot be read: named by their ids, so that each can be removed."""

from __future__ import annotations

from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.table import SERVICE_TOKENS
from authlens_core.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A record whose text is not what any authlens wrote, or one that this version is too old to read.

    Attributes:
        record_id: its id, safe to show.
    """

    record_id: str
    kind: CredentialKind

    @property
    def words(self) -> str:
        return f"a {'login' if self.kind is CredentialKind.OAUTH else self.kind.label} ({self.record_id})"

    @property
    def cure(self) -> str:
        """The command that removes it."""
        return f"authlens forget {self.record_id}"


def damaged_records(index: Index) -> tuple[DamagedRecord, ...]:
    """Return every record of a login or a service token that cannot be read.

    Raises:
        StateUnusable: the index cannot be used.
    """
    return (
        *(DamagedRecord(one, CredentialKind.OAUTH) for one in index.grants()[1]),
        *(DamagedRecord(one, CredentialKind.SERVICE_TOKEN) for one in SERVICE_TOKENS.all(index)[1]),
    )
