"""Every credential on this machine, of all three kinds, as rows of one table."""
