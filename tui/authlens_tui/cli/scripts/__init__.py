"""The verbs for scripts and coding agents."""
