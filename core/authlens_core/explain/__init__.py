"""What the members, header fields and records of a login mean, in words for a user; no input or output."""
