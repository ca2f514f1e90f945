"""The stages of each flow, what they ask and learn, and the Login that drives them."""
