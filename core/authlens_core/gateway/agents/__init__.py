"""The configuration of coding agents: where each has its MCP servers, and edits that keep the rest."""
