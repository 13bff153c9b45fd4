"""The management API over HTTP, for the console and everyone else."""
