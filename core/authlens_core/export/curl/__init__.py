"""A recorded request as a command or a script for curl."""
