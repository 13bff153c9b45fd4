"""Work the clock asks for: cycles that end, holds nobody settled."""
