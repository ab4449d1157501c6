"""Commands: their table, the arguments that several share, and a file for each."""
