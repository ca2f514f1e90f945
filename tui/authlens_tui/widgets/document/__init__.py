"""A long text that is laid out lazily, searched and scrolled."""
