"""Recorded logins: read one, compare two, export one."""
