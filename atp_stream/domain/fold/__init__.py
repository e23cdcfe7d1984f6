"""The fold: commands, in the order of the log, to rows and events."""
