"""What is done with stored credentials: list them, choose one for a URL, refresh, revoke, verify."""
