"""Other programs' languages (git, curl, HTTP, browsers), one module each, which names its source and fails closed."""
