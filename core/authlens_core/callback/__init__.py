"""How the authorization code comes back: the loopback listener and the pasted URL."""
