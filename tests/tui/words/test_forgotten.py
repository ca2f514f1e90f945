"""What is reported of a removal."""

from __future__ import annotations

import pytest

from authlens_core.desk.forget import Forgotten
from authlens_core.values.store_kind import CredentialKind, StoreKind
from authlens_tui.words.outcomes import what_stays_valid, where_secrets_are_left


def test_no_store_is_named_if_nothing_is_left() -> None:
    assert where_secrets_are_left((), StoreKind.KEYRING) == ""


def test_the_store_in_use_is_said_to_be_cleared_by_the_next_save() -> None:
    words = where_secrets_are_left((StoreKind.KEYRING,), StoreKind.KEYRING)
    assert words.startswith("The keyring could not be reached: the next save deletes")


def test_another_store_is_named_and_cleared_when_it_can_be_opened() -> None:
    words = where_secrets_are_left((StoreKind.KEYRING,), StoreKind.FILE)
    assert words.startswith("Old secrets are still in the keyring, which cannot be reached.")


@pytest.mark.parametrize("kind", [CredentialKind.OAUTH, CredentialKind.SERVICE_TOKEN])
def test_what_stays_valid_is_said_of_each_kind_that_can_be_forgotten(kind: CredentialKind) -> None:
    assert "until" in what_stays_valid(Forgotten(kind, ()))
