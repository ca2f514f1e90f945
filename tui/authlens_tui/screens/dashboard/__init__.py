"""The dashboard: every credential on this machine, and the actions on them."""
