"""The pure heart: commands and the loaded books in; answers, journal lines and changed rows out.

No I/O, no clock, no chance. Read in this order: `books`, `decide`, `transfers`, `holds`, `cycles`, `budgets`, `people`.
"""
