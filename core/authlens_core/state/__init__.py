"""Files of this installation that hold no secret, and the locks between processes."""
