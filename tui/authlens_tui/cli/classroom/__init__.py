"""`authlens learn record`, `verify`, `tickets` and `class`."""
