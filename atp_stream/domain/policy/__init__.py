"""The policy: its shape, how it is parsed and checked, and the rules that it gives an item."""
