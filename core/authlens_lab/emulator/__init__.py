"""A local Cloudflare Access, MCP server or API with OAuth, on loopback. A simulation, and it says so.

It exists for the demo, the screenshots and the tests. It shares no code with what it is used to test.
"""

from authlens_lab.emulator.emulator import Emulator
from authlens_lab.emulator.origins import SeenRequest
from authlens_lab.emulator.person import Hop, PlayResult, play_person
from authlens_lab.emulator.profile import Fault, Profile, faults_of
from authlens_lab.emulator.server.machines import IDP_CLIENT, MachineClient, Machines

__all__ = [
    "IDP_CLIENT",
    "Emulator",
    "Fault",
    "Hop",
    "MachineClient",
    "Machines",
    "PlayResult",
    "Profile",
    "SeenRequest",
    "faults_of",
    "play_person",
]
