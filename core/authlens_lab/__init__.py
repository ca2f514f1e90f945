"""The practice ground: servers that refuse on demand, and the lessons that are played on them.

The core never imports it; of the faces only the demo, the course and the emulator's verb do.
"""
