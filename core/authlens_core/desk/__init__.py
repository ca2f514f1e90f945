"""What authlens offers, as functions and values, for the command line, the app and Python programs."""
