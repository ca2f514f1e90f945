"""The command line: stdout carries the answer alone, stderr the words."""
