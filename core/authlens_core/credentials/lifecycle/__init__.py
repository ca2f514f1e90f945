"""What happens to a grant after the login: refresh, revoke, verify, automatic refresh."""
