"""The farmer's pages: alarms, charts, the book, crops, readiness."""
