"""The verbs for what is stored on this machine."""
