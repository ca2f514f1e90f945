"""A local Cloudflare Access on loopback. A fake, and it says so."""
