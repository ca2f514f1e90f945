"""The course without a screen: how far you are, starting over, and lessons line by line."""
