"""What scripts and coding agents reach a resource through: curl, a proxy, an MCP bridge, their own files."""
