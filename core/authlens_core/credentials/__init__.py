"""What a login leaves: grants, where their secrets live, refresh and revoke."""
