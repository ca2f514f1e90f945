"""A standard authorization server and its resource, for the profiles `mcp` and `generic`."""
