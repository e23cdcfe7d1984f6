"""One item while a step changes it: its policy history, timers, drift, and operators' commands."""
