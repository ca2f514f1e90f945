"""What each stage of each flow asks and learns: a module a stage, or one for what a flow has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from authlens_core.login.login_stage import LoginStage
from authlens_core.login.stages.access_stage import AccessStage
from authlens_core.login.stages.authorization_stage import AuthorizationStage, PkceStage
from authlens_core.login.stages.detection_stage import DetectionStage
from authlens_core.login.stages.device_stages import DeviceAuthorizationStage, DeviceExchangeStage
from authlens_core.login.stages.exchange_stage import ExchangeStage
from authlens_core.login.stages.machine_stages import (
    MachineClientStage,
    MachineExchangeStage,
)
from authlens_core.login.stages.registration_stage import RegistrationStage
from authlens_core.login.stages.resource_metadata_stage import ResourceMetadataStage
from authlens_core.login.stages.server_metadata_stage import ServerMetadataStage
from authlens_core.trace.record import Stage
from authlens_core.values.stage import MACHINE_GRANTS, GrantType

_SHARED: Final[Mapping[Stage, LoginStage]] = MappingProxyType(
    {
        Stage.DETECTION: DetectionStage(),
        Stage.RESOURCE_METADATA: ResourceMetadataStage(),
        Stage.SERVER_METADATA: ServerMetadataStage(),
        Stage.REGISTRATION: RegistrationStage(),
        Stage.ACCESS: AccessStage(),
    }
)
_MACHINE: Final[Mapping[Stage, LoginStage]] = MappingProxyType(
    {**_SHARED, Stage.REGISTRATION: MachineClientStage(), Stage.EXCHANGE: MachineExchangeStage()}
)
# What does each stage of each flow.
STAGES: Final[Mapping[GrantType, Mapping[Stage, LoginStage]]] = MappingProxyType(
    {
        GrantType.AUTHORIZATION_CODE: {
            **_SHARED,
            Stage.PKCE: PkceStage(),
            Stage.AUTHORIZATION: AuthorizationStage(),
            Stage.EXCHANGE: ExchangeStage(),
        },
        GrantType.DEVICE_CODE: {
            **_SHARED,
            Stage.AUTHORIZATION: DeviceAuthorizationStage(),
            Stage.EXCHANGE: DeviceExchangeStage(),
        },
        **dict.fromkeys(MACHINE_GRANTS, _MACHINE),
    }
)
