"""What is expected of an item: the register of its supplies, and their sums by day."""
