"""The ledger's one door. Credits move in here and nowhere else."""
