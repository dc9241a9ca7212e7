"""Output for users: the terminal, the log, and the wording of durations and counts."""
