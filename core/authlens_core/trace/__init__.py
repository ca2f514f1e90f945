"""The record that every view is a function of."""
