"""The eight stages, one module each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from authlens_core.login.stage import LoginStage
from authlens_core.login.stages.access import AccessStage
from authlens_core.login.stages.authorization import AuthorizationStage
from authlens_core.login.stages.detection import DetectionStage
from authlens_core.login.stages.exchange import ExchangeStage
from authlens_core.login.stages.pkce import PkceStage
from authlens_core.login.stages.registration import RegistrationStage
from authlens_core.login.stages.resource_metadata import ResourceMetadataStage
from authlens_core.login.stages.server_metadata import ServerMetadataStage
from authlens_core.trace.record import Stage

STAGES: Final[Mapping[Stage, LoginStage]] = MappingProxyType(
    {
        Stage.DETECTION: DetectionStage(),
        Stage.RESOURCE_METADATA: ResourceMetadataStage(),
        Stage.SERVER_METADATA: ServerMetadataStage(),
        Stage.REGISTRATION: RegistrationStage(),
        Stage.PKCE: PkceStage(),
        Stage.AUTHORIZATION: AuthorizationStage(),
        Stage.EXCHANGE: ExchangeStage(),
        Stage.ACCESS: AccessStage(),
    }
)
