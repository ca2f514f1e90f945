"""`authlens use`: the account of a resource that is meant where none is chosen."""

from __future__ import annotations

from argparse import Namespace

from authlens_core.desk.session import account_name
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import say


async def use(arguments: Namespace) -> int:
    """Make an account the default of its resource.

    Raises:
        UsageError: the URL or the name cannot be one.
        NoLogin: the account has no login there.
    """
    url = checked_url(arguments.url)
    name = account_name(arguments.account)
    async with open_session(needs_secrets=False, account=name) as session:
        login = session.credentials.covering(url)
        session.credentials.use_account(login)
    say(f"✔ {name} is the default account at {login.resource_identifier}.")
    return 0
