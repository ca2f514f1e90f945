"""The ways to log in: the stages of each flow, the Login that drives them, and `cloudflared`."""
