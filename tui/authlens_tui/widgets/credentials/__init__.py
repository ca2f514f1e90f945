"""The table of credentials and the detail pane beside it."""
