"""Files that hold no secret, authlens's own and those of others, and the locks between processes."""
