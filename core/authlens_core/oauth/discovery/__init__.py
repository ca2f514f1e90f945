"""Where a login takes place: challenges, resource metadata, server metadata, and what each address is for."""
