"""The eight stages in order, and the Login that drives them."""
