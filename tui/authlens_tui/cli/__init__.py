"""The command line: stdout carries the answer alone, stderr the words."""

import os
import sys

# What a shell reports of a program that SIGINT or SIGPIPE ended.
INTERRUPTED = 130
READER_GONE = 141


def has_borrowed_rights() -> bool:
    """Return whether the program is set-user-ID or set-group-ID."""
    return sys.platform != "win32" and (os.getuid() != os.geteuid() or os.getgid() != os.getegid())
