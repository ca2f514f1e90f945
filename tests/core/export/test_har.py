"""The HAR export opens in a browser's developer tools: it keeps to HAR 1.2, whatever the trace holds."""

import importlib
import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from authlens_core.export.har import har
from authlens_core.export.session_file import read_session, session_json
from authlens_core.trace.record import Trace
from support.driven_login import Recorded

SCHEMA = Path(__file__).with_name("har_schema.json")


def _problems(document: object) -> list[str]:
    # The package has no types of its own; what is used of it is three names.
    jsonschema: Any = importlib.import_module("jsonschema")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]


def _log(trace: Trace) -> dict[str, Any]:
    return dict(json.loads(har(trace))["log"])


def test_a_login_keeps_to_har_1_2(login: Recorded) -> None:
    """Bar: a HAR export validates against the HAR 1.2 schema."""
    assert _problems(json.loads(har(login.trace))) == []


def test_a_hostile_trace_keeps_to_har_1_2(hostile: Trace) -> None:
    """Exchanges without an answer, with bytes for a body, with repeated and broken fields too."""
    assert _problems(json.loads(har(hostile))) == []


def test_every_exchange_is_an_entry_of_its_stage(login: Recorded) -> None:
    log = _log(login.trace)
    urls = [e.request.url for r in login.trace.records for e in r.exchanges]
    assert [entry["request"]["url"] for entry in log["entries"]] == urls
    assert {entry["pageref"] for entry in log["entries"]} <= {page["id"] for page in log["pages"]}
    assert len(log["pages"]) == 8


def test_a_stage_that_was_continued_does_not_repeat_its_exchanges(login: Recorded) -> None:
    """The record after an override begins with the exchanges of the attempt before it."""
    first, *others = login.trace.records
    continued = replace(login.trace, records=(first, replace(first, attempt=2), *others))
    assert _log(continued)["entries"] == [
        {**entry, "pageref": entry["pageref"] if at < len(first.exchanges) else _page_after(entry["pageref"])}
        for at, entry in enumerate(_log(login.trace)["entries"])
    ]


def _page_after(page: str) -> str:
    return f"stage_{int(page.removeprefix('stage_')) + 1}"


def test_a_mask_in_a_form_is_one_value(login: Recorded) -> None:
    """A mask holds a space and a number sign, which would end a value or begin a fragment."""
    token = next(e for e in _log(login.trace)["entries"] if e["request"]["url"].endswith("/token"))
    assert "code=%E2%80%A2" in token["request"]["postData"]["text"]
    assert "•" not in token["request"]["postData"]["text"]


def test_an_exchange_without_an_answer_says_why(hostile: Trace) -> None:
    """As browsers write it: status 0 and an error."""
    entry = _log(hostile)["entries"][2]
    assert entry["response"]["status"] == 0
    assert entry["_error"] == "timeout: No answer."


def test_an_opened_session_exports_the_same(login: Recorded) -> None:
    """Exports are functions of the record, live or replayed."""
    assert har(read_session(session_json(login.trace).encode())) == har(login.trace)


def test_sizes_are_those_of_the_wire_not_of_the_masked_text(login: Recorded) -> None:
    """A mask is shorter than a token, and whoever compares sizes wants the server's."""
    entries = _log(login.trace)["entries"]
    exchanges = [exchange for record in login.trace.records for exchange in record.exchanges]
    for entry, exchange in zip(entries, exchanges, strict=True):
        received = 0 if exchange.response is None else len(exchange.response.body)
        assert entry["response"]["content"]["size"] == received
        assert entry["request"]["bodySize"] == len(exchange.request.body)
