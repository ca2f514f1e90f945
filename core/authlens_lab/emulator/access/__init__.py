"""A simulated Cloudflare Access: its team, its applications and its faults."""
