"""The authorization stage: the link, the QR code, the paste field and the countdown."""
