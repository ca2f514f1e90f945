"""Formats that more than one room reads, by the specification of each."""
