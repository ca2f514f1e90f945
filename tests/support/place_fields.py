"""Header fields from which servers and gateways have read a path, instead of the one of the request."""

from typing import Final

PLACE_FIELDS: Final = (
    "Destination",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Original-URI",
    "X-Override-URL",
    "X-Envoy-Original-Path",
    "X-Forwarded-Uri",
    "X-Forwarded-Path",
    "X-Forwarded-Prefix",
    "X-Proxy-URL",
    "X-HTTP-DestinationURL",
    "X-Accel-Redirect",
    "x_original_url",
)
