"""The formats that OAuth is written in: URLs, forms, JSON, JSON Web Tokens, HTTP messages."""
