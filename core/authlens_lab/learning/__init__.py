"""A course that is graded by what went over the wire: lessons as data, moves, and claims about the record."""
