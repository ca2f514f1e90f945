"""A local Cloudflare Access, MCP server or API with OAuth, on loopback. A simulation, and it says so.

It exists for the demo, the screenshots and the tests. It shares no code with what it is used to test.
"""

from authlens_core.emulator.access.faults import Fault
from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.origins import SeenRequest
from authlens_core.emulator.person import Hop, PlayResult, play_person

__all__ = ["Emulator", "Fault", "Hop", "PlayResult", "SeenRequest", "play_person"]
