"""The course line by line."""
