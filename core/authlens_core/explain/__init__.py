"""What the members, header fields and records of a login mean, in words for a person; no input or output."""
