"""The wizard: one login, one stage at a time."""
