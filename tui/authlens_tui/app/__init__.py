"""The full-screen app: it owns the session and decides which screen comes next."""
