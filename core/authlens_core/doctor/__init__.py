"""What `authlens doctor` looks at: this machine, as far as a login depends on it. No screen, no request."""
