"""The user's terminal, and the log."""
