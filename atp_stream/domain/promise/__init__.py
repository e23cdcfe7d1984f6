"""What may be promised, per channel, and why."""
