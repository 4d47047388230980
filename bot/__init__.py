"""The processes of the line, and the doors through which messages come and go."""
