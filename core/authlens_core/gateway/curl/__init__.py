"""curl with the credential for a URL: its arguments, its run, and a repetition after a refusal."""
