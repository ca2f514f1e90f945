"""`authlens credential-helper get`: the protocol of Bazel's and EngFlow's credential helpers.

Source: EngFlow's credential-helper-spec, its JSON schemas of the request and the response of `get`. The
request is one JSON object on standard input, `{"uri": "https://…"}`; the answer has the header fields and
when they expire. A program that asks for many URLs gets empty fields for those that nothing here covers.
"""

from __future__ import annotations

import json
from argparse import Namespace

from authlens_core.credentials.inventory.request_headers import CredentialHeaders, credential_kinds
from authlens_core.oauth.formats.json_document import JsonRefused, load_object
from authlens_core.values.errors import UsageError
from authlens_core.values.secret import Secret
from authlens_core.values.url import usable_url
from authlens_tui.cli.scripts.credential_choice import chosen_headers, refuse_bound
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_secret
from authlens_tui.cli.terminal.standard_input import piped

_LONGEST = 65_536


async def credential_helper(arguments: Namespace) -> int:
    """Answer one request.

    Raises:
        UsageError: standard input holds no request.
        LoginNeeded: there is a credential for the address that a user has to renew.
    """
    address = usable_url(_asked(), loopback_http=True)
    if address is None:
        answer_secret(bazel_form(None))
        return 0
    url = address.text
    async with open_session() as session:
        if not credential_kinds(session.credentials, url):
            answer_secret(bazel_form(None))
            return 0
        found = await chosen_headers(session, url, arguments)
    refuse_bound(found, url, "the program that asks")
    answer_secret(bazel_form(found))
    return 0


def bazel_form(fields: CredentialHeaders | None) -> Secret:
    """Return header fields in the form of this protocol; empty for None."""
    if fields is None:
        return Secret('{"headers": {}}')
    answer: dict[str, object] = {"headers": {name: [value] for name, value in fields.fields}}
    if fields.expires_at is not None:
        answer["expires"] = fields.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Secret(json.dumps(answer))


def _asked() -> str:
    try:
        # Strict: of two equal keys, another reader may take the other one.
        uri = load_object(piped(_LONGEST)).get("uri")
    except JsonRefused:
        uri = None
    if not isinstance(uri, str):
        raise UsageError(
            "Standard input holds no request of the credential helper protocol.",
            """Pipe it in: printf '{"uri":"https://wiki.example.com/"}' | authlens credential-helper get""",
        )
    return uri
