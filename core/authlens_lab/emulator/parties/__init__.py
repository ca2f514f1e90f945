"""Who is there in a lesson besides a resource and its server: the website that is attacked, and others."""
