"""The faces of authlens: the command line and the full-screen application."""
