"""HAR 1.2, the HTTP Archive that a browser's developer tools open.

The format: http://www.softwareishard.com/blog/har-12-spec/

One page for each attempt at a stage, one entry for each exchange. Secrets are masks; in a URL or a form a
mask is percent-encoded, so that what reads the archive takes it for the value that it stands for. Sizes are
those of the bodies before anything was masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from authlens_core.export.redaction import body_text, redacted_trace
from authlens_core.trace.record import StageRecord, Trace, sent_once
from authlens_core.values.exchange import Exchange, Headers, Request, Response, Timings
from authlens_core.values.formats.json_document import json_output
from authlens_core.values.secret import Body
from authlens_core.values.secret_masking import MASKED

_UNKNOWN: Final = -1  # the format's own word for a size or a time that is not known
_CREATOR: Final = {"name": "authlens", "version": "1"}
_MOST_PARAMETERS: Final = 1_000


def har(trace: Trace) -> str:
    """Return `trace` as the text of a HAR 1.2 file, every secret replaced by its mask."""
    safe_trace = redacted_trace(trace)
    numbered = [(f"stage_{number}", record) for number, record in enumerate(safe_trace.records, 1)]
    log = {
        "version": "1.2",
        "creator": _CREATOR,
        "pages": [_page(page, record) for page, record in numbered],
        "entries": [
            _entry(numbered[index][0], exchange) for index, _, exchange in sent_once(safe_trace.records)
        ],
        "comment": f"{_tampered(safe_trace.tampering)}{safe_trace.kind} to {safe_trace.resource_url}; "
        "secrets are replaced by masks with fingerprints",
    }
    return json_output({"log": log})


def _page(page: str, record: StageRecord) -> dict[str, object]:
    again = f", attempt {record.attempt}" if record.attempt > 1 else ""
    failures = "; ".join(f"{check.name}: {check.seen}" for check in record.failures)
    if record.diagnosis is not None:
        evidence = " · ".join(record.diagnosis.evidence)
        failures = f"{failures} ({record.diagnosis.cause} Evidence: {evidence})".lstrip()
    return {
        "startedDateTime": record.started_at.isoformat(),
        "id": page,
        "title": f"{record.stage.replace('_', ' ')}{again}: {record.outcome}",
        # A stage is a "page" of the format: browsers then show the requests in these groups.
        "pageTimings": {"onContentLoad": _UNKNOWN, "onLoad": round(record.elapsed * 1000, 3)},
        "comment": f"{_tampered(record.tampering)}{failures}",
    }


def _tampered(changes: tuple[str, ...]) -> str:
    return f"TAMPERED, changed on purpose: {'; '.join(changes)}. " if changes else ""


def _entry(page: str, exchange: Exchange) -> dict[str, object]:
    timings = _timings(exchange.timings, exchange.elapsed)
    version = exchange.response.http_version if exchange.response else "HTTP/1.1"
    entry: dict[str, object] = {
        "pageref": page,
        "startedDateTime": exchange.started_at.isoformat(),
        # The format asks for the sum.
        "time": _total(timings),
        "request": _request(exchange.request, version),
        "response": _response(exchange.response),
        "cache": {},
        "timings": timings,
        "comment": exchange.purpose,
    }
    if exchange.peer is not None:
        entry["serverIPAddress"] = exchange.peer.rpartition(":")[0].strip("[]")
    if exchange.failure is not None:
        entry["_error"] = f"{exchange.failure.kind}: {exchange.failure.cause}"
    return entry


def _timings(timings: Timings, elapsed: float) -> dict[str, float]:
    """Return milliseconds for each phase; what is not accounted for is `blocked`."""
    # HAR 1.2 counts ssl within connect.
    steps = [seconds for seconds in (timings.connect, timings.tls) if seconds is not None]
    phases = {
        "dns": _milliseconds(timings.dns),
        "connect": _milliseconds(sum(steps) if steps else None),
        "ssl": _milliseconds(timings.tls),
        "send": _milliseconds(timings.send or 0),
        "wait": _milliseconds(timings.wait or 0),
        "receive": _milliseconds(timings.receive or 0),
    }
    blocked = round(elapsed * 1000 - _total(phases), 3)
    return {"blocked": blocked if blocked > 0 else _UNKNOWN, **phases}


def _total(phases: Mapping[str, float]) -> float:
    return round(sum(time for name, time in phases.items() if name != "ssl" and time > 0), 3)


def _milliseconds(seconds: float | None) -> float:
    return _UNKNOWN if seconds is None else round(seconds * 1000, 3)


def _encoded_masks(text: str) -> str:
    # A mask has a space and bullets, which a URL may not have: readers of HAR would refuse the entry.
    return MASKED.sub(lambda mask: quote(mask[0], safe=""), text)


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.fields]


def _query(url: str) -> list[dict[str, str]]:
    try:
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return []
    return [{"name": name, "value": value} for name, value in pairs]


def _request(request: Request, version: str) -> dict[str, object]:
    url = _encoded_masks(request.url)
    document: dict[str, object] = {
        "method": request.method,
        "url": url,
        "httpVersion": version,
        "cookies": _cookies(request.headers.get_all("cookie")),
        "headers": _pairs(request.headers),
        "queryString": _query(url),
        "headersSize": _UNKNOWN,
        "bodySize": request.body.size,
    }
    if request.body:
        media_type = request.headers.get("content-type") or ""
        text = body_text(request.body)
        is_form = request.headers.is_form
        # `params` would be the other way to say it; the format allows one of the two.
        document["postData"] = {"mimeType": media_type, "text": _encoded_masks(text) if is_form else text}
    return document


def _response(response: Response | None) -> dict[str, object]:
    """Return the response, or what browsers write where there was none: status 0."""
    if response is None:
        response = Response(0)
    return {
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": response.http_version,
        "cookies": _cookies(response.headers.get_all("set-cookie"), received=True),
        "headers": _pairs(response.headers),
        "content": _content(response.body, response.headers.get("content-type") or ""),
        "redirectURL": _encoded_masks(response.headers.get("location") or ""),
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
    }


def _content(body: Body, media_type: str) -> dict[str, object]:
    content: dict[str, object] = {"size": body.size, "mimeType": media_type, "text": body_text(body)}
    if body.truncated:
        content["comment"] = "cut off"
    return content


def _cookies(fields: tuple[str, ...], *, received: bool = False) -> list[dict[str, str]]:
    """Return the names and masked values of cookies; attributes are left to the header fields."""
    pairs = [pair for field in fields for pair in (field.split(";")[:1] if received else field.split(";"))]
    partitions = (pair.strip().partition("=") for pair in pairs)
    return [{"name": name, "value": value} for name, equals, value in partitions if equals]
