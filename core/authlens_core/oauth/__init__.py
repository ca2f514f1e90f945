"""The protocol as values. One module per specification; nothing here opens a socket."""
