"""One run of the program: what its faces share, and how it is interrupted."""
