"""The plain terminal of the command line: what is read, written and interrupted there."""
