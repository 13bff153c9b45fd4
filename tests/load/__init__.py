"""Measurements. They assert nothing about time; they print what they found."""
