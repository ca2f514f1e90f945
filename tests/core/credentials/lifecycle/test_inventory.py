"""All kinds of credential as rows of one table: built, filtered, sorted."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.cloudflare.cloudflared_token import CloudflaredKind, CloudflaredToken
from authlens_core.credentials.lifecycle.inventory import (
    InventoryEntry,
    SortOrder,
    inventory_of,
)
from authlens_core.credentials.records.grant import GrantState, MachineSource, StatusKind
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.values.stage import GrantType
from authlens_core.values.store_kind import CredentialKind
from support.grants import NOW, every_state, grant

TEAM = "team.cloudflareaccess.com"


def application(
    host: str = "grafana.example.com", *, hours: float = 1, problem: str = ""
) -> CloudflaredToken:
    """Return an application token of cloudflared."""
    return CloudflaredToken(
        f"cloudflared-{host}",
        CloudflaredKind.APPLICATION,
        host,
        Path(f"{host}-token"),
        audience="a" * 64,
        person="ada@example.com",
        team=TEAM,
        issued_at=NOW - timedelta(hours=1),
        expires_at=NOW + timedelta(hours=hours),
        problem=problem,
    )


def organisation(hours: float = 72) -> CloudflaredToken:
    token = application(TEAM, hours=hours)
    return replace(token, token_id="cloudflared-org", kind=CloudflaredKind.ORGANISATION)


def service_token(url: str = "https://ci.example.com/", *, days: float | None = 90) -> ServiceToken:
    ends = None if days is None else NOW + timedelta(days=days)
    return ServiceToken(f"service-{url}", url, f"{'0' * 32}.access", NOW, label="ci", expires_at=ends)


def titles(rows: tuple[InventoryEntry, ...]) -> list[str]:
    return [row.title for row in rows]


def test_all_kinds_become_rows_with_ids_that_no_two_share() -> None:
    source = MachineSource(GrantType.CLIENT_CREDENTIALS)
    machine = replace(every_state()[0], grant_id="machine", machine=source)
    grants = (*every_state(), machine)
    rows = inventory_of(grants, (application(), organisation()), (service_token(),))
    assert {row.kind for row in rows} == set(CredentialKind)
    assert len({row.entry_id for row in rows}) == len(rows)
    assert [row.grant is not None for row in rows].count(True) == len(grants)


def test_an_application_token_ends_for_good_with_the_organisation_token_of_its_team() -> None:
    """Two clocks: the token, and the login that gets the next one without a person."""
    app, org = inventory_of((), (application(), organisation(hours=72)))
    assert app.token_ends == NOW + timedelta(hours=1)
    assert app.login_ends == org.login_ends == NOW + timedelta(hours=72)
    (alone,) = inventory_of((), (application(),))
    assert alone.login_ends is None


def test_every_kind_says_how_it_stands_in_the_same_words() -> None:
    live, expired, ending = inventory_of((grant(),), (application(hours=-1),), (service_token(days=10),))
    kinds = [row.status(NOW).kind for row in (live, expired, ending)]
    assert kinds == [StatusKind.LIVE, StatusKind.EXPIRED, StatusKind.SOON]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", 4),
        ("  ", 4),
        ("WIKI", 1),
        ("team.cloud wiki", 1),
        ("ada@", 1),
        ("cloudflared", 1),
        ("service token", 1),
        ("login needed", 1),
        ("nothing like it", 0),
    ],
)
def test_a_filter_looks_for_every_word_in_all_that_a_row_shows(text: str, found: int) -> None:
    """Resource, team, person, kind, state; in any case, in any order."""
    needy = grant("needy", state=GrantState.LOGIN_NEEDED)
    rows = inventory_of((grant("wiki"), needy), (application(),), (service_token(),))
    assert len([row for row in rows if row.matches(text, NOW)]) == found


def test_what_ends_first_comes_first_and_what_ends_nobody_knows_when_last() -> None:
    """By the first of the two clocks."""
    rows = inventory_of((grant("c", minutes=None), grant("b", minutes=50), grant("a", minutes=5)))
    assert titles(SortOrder.ENDS.arrange(rows, NOW)) == [
        f"{name}.example.com/mcp" for name in ("a", "b", "c")
    ]


def test_what_needs_a_person_comes_before_what_looks_after_itself() -> None:
    """The order that the table begins with: revocations that failed, then logins; what is live comes last."""
    rows = SortOrder.NEEDS.arrange(inventory_of(every_state()), NOW)
    kinds = [row.status(NOW).kind for row in rows]
    assert kinds[:2] == [StatusKind.REVOCATION_FAILED, StatusKind.LOGIN_NEEDED]
    assert kinds.index(StatusKind.SOON) < kinds.index(StatusKind.LIVE)


def test_what_has_expired_comes_first_and_what_is_unknown_last() -> None:
    left = replace(application(), expires_at=NOW - timedelta(minutes=30))
    rows = SortOrder.NEEDS.arrange(inventory_of((grant("wiki"),), (left,), (service_token(),)), NOW)
    assert titles(rows) == [left.host, "wiki.example.com/mcp", "ci.example.com"]


MOMENTS = st.one_of(st.none(), st.floats(-1e4, 1e4))


@given(st.lists(MOMENTS, max_size=20), st.sampled_from(SortOrder))
def test_no_order_loses_or_doubles_a_credential(minutes: list[float | None], order: SortOrder) -> None:
    began = NOW - timedelta(days=30)
    grants = [
        replace(grant(str(number)), refreshed_at=began, obtained_at=began, expires_at=_after(each))
        for number, each in enumerate(minutes)
    ]
    ordered = order.arrange(inventory_of(grants), NOW)
    ids = sorted(row.entry_id for row in ordered)
    assert ids == sorted(one.grant_id for one in grants)


def _after(minutes: float | None) -> datetime | None:
    return None if minutes is None else NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(("minutes", "left"), [(180, 0.5), (20, 0.1), (0, 0.0), (-5, 0.0), (None, None)])
def test_what_is_left_of_a_life_is_a_share_of_the_whole(minutes: float | None, left: float | None) -> None:
    """A grant of these tests was refreshed three hours ago; without an expiry there is no share."""
    (entry,) = inventory_of((grant(minutes=minutes),))
    assert entry.life_left(NOW) == left


def test_the_orders_go_round() -> None:
    seen = [SortOrder.ENDS]
    while len(seen) < len(SortOrder):
        seen.append(seen[-1].following())
    assert set(seen) == set(SortOrder)
    assert seen[-1].following() is SortOrder.ENDS


def test_a_grant_of_a_program_is_of_its_own_kind_and_names_the_client() -> None:
    """No one signed in: the account is the client, and a filter for the kind shows only such rows."""
    program = replace(grant(), client_id="ci-job", machine=MachineSource(GrantType.CLIENT_CREDENTIALS))
    user, machine = inventory_of((grant(), program))
    assert (user.kind, user.person) == (CredentialKind.OAUTH, "")
    assert (machine.kind, machine.person) == (CredentialKind.MACHINE, "ci-job")
    assert [row.matches("machine", NOW) for row in (user, machine)] == [False, True]


def test_the_title_of_a_login_has_the_name_of_its_account() -> None:
    unnamed, named = inventory_of([grant(), replace(grant(), account="work", person="ada@example.com")])
    assert (unnamed.title, unnamed.person) == ("wiki.example.com/mcp", "")
    assert (named.title, named.person) == ("wiki.example.com/mcp (work)", "work (ada@example.com)")
