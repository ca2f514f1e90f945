"""What scripts and coding agents reach a protected resource through: curl, a proxy and an MCP bridge."""
