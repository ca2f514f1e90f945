"""The terminal of the command line: reading, writing and interruption."""
