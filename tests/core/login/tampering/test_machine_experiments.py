"""Attacks on the login of a program: who refuses them at a server that verifies what it gets."""

from pathlib import Path

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import attacks_on, ended_in, start_login
from authlens_core.desk.session import Session
from authlens_core.login.tampering.experiments import find_experiment
from authlens_core.values.check import Severity
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, Machines, Profile
from authlens_lab.emulator.server.machines import IDP_CLIENT

ATTACKS = {
    "machine-basic": {"wrong_secret"},
    "machine-post": {"wrong_secret"},
    "machine-key": {"forged_assertion", "foreign_audience", "reused_assertion"},
    "machine-workload": {"forged_assertion", "reused_assertion"},
    "machine-enterprise": {"wrong_secret", "forged_assertion", "foreign_grant", "reused_assertion"},
}


def options(client: str, machines: Machines, directory: Path) -> Options:
    file = directory / "assertion"
    if client == "machine-workload":
        file.write_text(machines.assertion())
        return Options(client_id=client, grant_type=GrantType.JWT_BEARER, assertion_file=str(file))
    if client == "machine-enterprise":
        file.write_text(machines.id_token())
        return Options(
            client_id=client,
            client_secret=Secret(machines.secret),
            grant_type=GrantType.TOKEN_EXCHANGE,
            assertion_file=str(file),
            idp=f"{machines.idp}/token",
            idp_client_id=IDP_CLIENT,
        )
    by_key = client == "machine-key"
    return Options(
        client_id=client,
        grant_type=GrantType.CLIENT_CREDENTIALS,
        client_secret=None if by_key else Secret(machines.secret),
        client_key=Secret(machines.private_key) if by_key else None,
        client_auth="client_secret_post" if client == "machine-post" else None,
    )


@pytest.mark.parametrize(
    ("client", "attack"), [(client, attack) for client, names in ATTACKS.items() for attack in sorted(names)]
)
async def test_a_server_that_verifies_refuses_the_attack_and_no_token_is_stored(
    client: str, attack: str, tmp_path: Path
) -> None:
    async with (
        Emulator(Profile.MACHINE) as emulator,
        Session(Wire(), Credentials.memory()) as session,
    ):
        login = start_login(session, emulator.resource_url, options(client, emulator.machines, tmp_path))
        assert {one.name for one in attacks_on(login.facts)} == ATTACKS[client]
        login.arm(find_experiment(attack))
        try:
            await login.run_all()
        finally:
            await login.aclose()
        [(_, check)] = [ended for record in login.trace.records for ended in ended_in(record)]
        assert check.severity is Severity.PASS
        assert session.credentials.list() == ()
