"""A record and its secret together, written in an order that never loses either."""
