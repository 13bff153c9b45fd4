"""What may be done: one function a verb. It authorizes, opens the one transaction, and leaves the event."""
