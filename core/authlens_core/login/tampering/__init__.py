"""Deliberate changes to a login: edited requests and the attacks of *What if*; a normal login has none."""
