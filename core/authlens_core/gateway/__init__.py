"""What scripts and coding agents reach a protected resource through: a proxy and an MCP bridge."""
