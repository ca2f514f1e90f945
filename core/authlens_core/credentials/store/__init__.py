"""The secret stores: the OS keyring, an encrypted file, a plain file, and memory."""
