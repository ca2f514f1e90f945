"""What only Cloudflare Access has: its edge, the sessions of browsers, service tokens, cloudflared."""
