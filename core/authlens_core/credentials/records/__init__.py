"""What is known of a credential without its secrets: the values, and the SQLite index that holds them."""
