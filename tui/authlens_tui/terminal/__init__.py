"""The terminal itself: driver, signals, clipboard, hyperlinks, the browser, and crash reports."""
