"""The course on the screen: the catalogue, a lesson with its verdict, and what you can do at the end."""
