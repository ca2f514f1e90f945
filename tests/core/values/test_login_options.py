"""The declarations of the options of a login: whole, and the same for everything made from them."""

from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from authlens_core.login.tampering.editing import choices, with_choices
from authlens_core.values.login_options import OPTIONS, Kind, OptionInfo, Options, first_changed
from authlens_core.values.secret import Secret
from authlens_core.values.stage import LOGIN_STAGES, GrantType
from authlens_tui.cli.login.login_arguments import login_options
from authlens_tui.cli.parser import build_parser
from support.scripted_login import RESOURCE, facts

# What a user can type of each kind, and what it means.
_TYPED: Final[dict[Kind, tuple[str, Any]]] = {
    Kind.TEXT: ("abc", "abc"),
    Kind.URL: ("https://a.example", "https://a.example"),
    Kind.PORT: ("8401", 8401),
    Kind.SECONDS: ("30", 30.0),
    Kind.FILE: (__file__, str(Path(__file__).absolute())),
    Kind.COMMAND: ("printf canary", Secret("printf canary")),
}


def _value(option: OptionInfo) -> tuple[list[str], Any]:
    """Return arguments of the command line that choose something else than the default, and what."""
    if option.kind in (Kind.SECRET, Kind.SECRET_FILE):
        return [option.flag, *(["FILE"] if option.metavar else [])], Secret("canary")
    if option.kind is Kind.SWITCH:
        return [option.flag], option.turned_on
    if option.kind is Kind.CHOICE:
        other = next(choice for choice in option.choices if choice != option.default)
        return [option.flag, other], other
    text, value = _TYPED[option.kind]
    return [option.flag, text], value


@pytest.fixture(params=OPTIONS.values(), ids=lambda option: option.name)
def option(request: pytest.FixtureRequest) -> OptionInfo:
    declared: OptionInfo = request.param
    return declared


def test_the_command_line_takes_each_option(option: OptionInfo) -> None:
    arguments, value = _value(option)
    parsed = build_parser().parse_args(["login", RESOURCE, *arguments])
    secrets = {option.name: value} if isinstance(value, Secret) else {}
    assert login_options(parsed, secrets) == replace(Options(), **{option.name: value})


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("client-credentials", GrantType.CLIENT_CREDENTIALS),
        ("jwt-bearer", GrantType.JWT_BEARER),
        ("enterprise", GrantType.TOKEN_EXCHANGE),
    ],
)
def test_a_second_flag_names_the_other_values_of_an_option(word: str, value: GrantType) -> None:
    parsed = build_parser().parse_args(["login", RESOURCE, "--machine", word])
    options = login_options(parsed, {})
    assert options == Options(grant_type=value)
    with pytest.raises(SystemExit):
        build_parser().parse_args(["login", RESOURCE, "--machine", word, "--device"])


def test_the_form_of_the_wizard_offers_each_option_or_a_reason_says_why_not(option: OptionInfo) -> None:
    assert bool(option.edited_in) is not bool(option.not_edited)
    if option.not_edited:
        return
    start = facts(upto="exchange")
    metadata = start.server_metadata
    assert metadata is not None
    capable = replace(
        metadata,
        device_authorization_endpoint="https://as.example/device",
        authorization_response_iss_parameter_supported=True,
    )
    start = replace(start, server_metadata=capable)
    _, value = _value(option)
    for stage in option.edited_in:
        assert option.name in {choice.name for choice in choices(stage, start)}
    changed = with_choices(start.options, {option.name: option.text(value)})
    assert getattr(changed, option.name) == value


def test_a_change_leads_back_no_further_than_the_form_that_offers_it(option: OptionInfo) -> None:
    _, value = _value(option)
    first = first_changed(Options(), replace(Options(), **{option.name: value}))
    assert first is option.matters_from
    if first is not None and option.edited_in:
        order = LOGIN_STAGES.index
        assert max(order(stage) for stage in option.edited_in) >= order(first)
