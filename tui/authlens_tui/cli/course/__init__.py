"""The verbs of the course: progress, records, a class and its tickets, and lessons line by line."""
