"""The authorization server and its resource, in every profile."""
