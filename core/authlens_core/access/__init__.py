"""What is Cloudflare's own: classifying an answer, diagnosis and fix."""
