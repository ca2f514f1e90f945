"""What scripts and coding agents reach a resource through: curl, a proxy and an MCP bridge."""
