"""What each stage of each flow asks and learns: a module a stage, or one for what a flow has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from authlens_core.login.stage import LoginStage
from authlens_core.login.stages.access import AccessStage
from authlens_core.login.stages.authorization import AuthorizationStage
from authlens_core.login.stages.detection import DetectionStage
from authlens_core.login.stages.device import DeviceAuthorizationStage, DeviceGrant
from authlens_core.login.stages.exchange import CodeGrant, ExchangeStage
from authlens_core.login.stages.pkce import PkceStage
from authlens_core.login.stages.registration import RegistrationStage
from authlens_core.login.stages.resource_metadata import ResourceMetadataStage
from authlens_core.login.stages.server_metadata import ServerMetadataStage
from authlens_core.trace.record import Stage
from authlens_core.values.grant_type import GrantType

_SHARED: Final[Mapping[Stage, LoginStage]] = MappingProxyType(
    {
        Stage.DETECTION: DetectionStage(),
        Stage.RESOURCE_METADATA: ResourceMetadataStage(),
        Stage.SERVER_METADATA: ServerMetadataStage(),
        Stage.REGISTRATION: RegistrationStage(),
        Stage.PKCE: PkceStage(),
        Stage.ACCESS: AccessStage(),
    }
)
# What does each stage of each flow.
STAGES: Final[Mapping[GrantType, Mapping[Stage, LoginStage]]] = MappingProxyType(
    {
        GrantType.AUTHORIZATION_CODE: {
            **_SHARED,
            Stage.AUTHORIZATION: AuthorizationStage(),
            Stage.EXCHANGE: ExchangeStage(CodeGrant()),
        },
        GrantType.DEVICE_CODE: {
            **_SHARED,
            Stage.AUTHORIZATION: DeviceAuthorizationStage(),
            Stage.EXCHANGE: ExchangeStage(DeviceGrant()),
        },
    }
)
