"""The formats that OAuth is written in: forms, spans of time, key sets."""
