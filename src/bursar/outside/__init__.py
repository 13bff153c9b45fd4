"""What Bursar does not control: time, chance, mail, payments, models."""
