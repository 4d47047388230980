"""What the centres do: functions that take a session, return objects and raise domain errors."""
