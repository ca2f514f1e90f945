"""How the browser comes back from a login: the loopback listener, its pages, and the way to it over SSH."""
