"""`authlens login` on a plain terminal."""
