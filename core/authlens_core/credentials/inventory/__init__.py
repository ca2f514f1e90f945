"""Every credential on this machine, of every kind, as rows of one table."""
