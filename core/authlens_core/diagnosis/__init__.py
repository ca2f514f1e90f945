"""What happened: an answer is classified, and a failure gets its cause and its fix."""
