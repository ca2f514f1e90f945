"""Other programs' languages (git, curl, HTTP …): one module each, which names its source and fails closed."""
