"""The life of reservations: what they hold, what waits, what ends, and what is taken back."""
