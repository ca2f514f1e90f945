"""Sentences and spans of time that the command line and the screens share."""
