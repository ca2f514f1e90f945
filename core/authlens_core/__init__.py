"""authlens core: the login, its record and its credentials. No screen lives here."""
