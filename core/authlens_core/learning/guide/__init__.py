"""What a learner sees of an attempt and can do next, as values that a screen or plain lines show alike."""
