"""Secrets, text that is safe to show, errors: what every room hands to others."""
