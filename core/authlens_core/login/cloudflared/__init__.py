"""Driving `cloudflared access login`, where a resource has no Managed OAuth."""
