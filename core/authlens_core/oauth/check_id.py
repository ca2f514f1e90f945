"""Identifiers of the checks that decide something, defined once; and what a check is about."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

# The first part of the identifier of every check that judges an attack.
EXPERIMENT: Final = "experiment"


class CheckId(StrEnum):
    """`stage.subject` of a check that other code looks for: a cause, an exit code, a sentence, an arrow."""

    DETECTION_PROTECTION = "detection.protection"
    DETECTION_METADATA = "detection.resource_metadata"
    DETECTION_METADATA_GUESSED = "detection.metadata_guessed"
    METADATA_FOUND = "resource_metadata.found"
    METADATA_RESOURCE = "resource_metadata.resource"
    METADATA_SERVER = "resource_metadata.authorization_server"
    SERVER_DOCUMENT = "server.document"
    SERVER_ISSUER = "server.issuer"
    SERVER_NONE = "server.none"
    SERVER_S256 = "server.s256"
    SERVER_REGISTRATION = "server.registration_endpoint"
    REGISTRATION_PORT = "registration.port"
    REGISTRATION_PORT_HALF = "registration.port_half"
    REGISTRATION_LISTENER = "registration.listener"
    REGISTRATION_ENDPOINT = "registration.endpoint"
    AUTHORIZATION_CODE = "authorization.code"
    AUTHORIZATION_ENCODING = "authorization.encoding"
    AUTHORIZATION_ERROR = "authorization.error"
    AUTHORIZATION_ISS = "authorization.iss"
    AUTHORIZATION_OPENED = "authorization.opened"
    AUTHORIZATION_PARAMETERS = "authorization.parameters"
    AUTHORIZATION_PORT = "authorization.port"
    AUTHORIZATION_STATE = "authorization.state"
    AUTHORIZATION_STOPPED = "authorization.stopped"
    AUTHORIZATION_TIMEOUT = "authorization.timeout"
    DEVICE_EXPIRED = "device.expired"
    EXCHANGE_STORED = "exchange.kept"
    TOKEN_CLOCK = "token.clock"  # noqa: S105 - an identifier
    TOKEN_EXPIRED = "token.expired"  # noqa: S105 - an identifier
    ACCESS_ACCEPTED = "access.accepted"
    PROBE_ACCEPTED = "probe.accepted"
    REFRESH_ROTATION = "refresh.rotation"
    REFRESH_STORED = "refresh.stored"
    REVOKE_ACCESS_TOKEN = "revoke.access_token"  # noqa: S105 - an identifier
    REVOKE_REFRESH_TOKEN = "revoke.refresh_token"  # noqa: S105 - an identifier
    REVOKE_ENDPOINT = "revoke.endpoint"
    REVOKE_PROOF = "revoke.proof"
    SERVICE_TOKEN_HALF = "service_token.half"  # noqa: S105 - an identifier
    SERVICE_TOKEN_TWICE = "service_token.twice"  # noqa: S105 - an identifier
    SERVICE_TOKEN_SWAPPED = "service_token.swapped"  # noqa: S105 - an identifier


class Subject(StrEnum):
    """The last part of an identifier, for checks that look at the form of an answer of any stage."""

    STATUS = "status"
    DOCUMENT = "document"
    MEDIA_TYPE = "media_type"
    PROTECTION = "protection"
    ACCEPTED = "accepted"
    PROOF = "proof"
