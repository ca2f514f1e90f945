"""What is Cloudflare's own: its names, its service tokens and the tokens of `cloudflared`."""
