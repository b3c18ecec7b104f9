"""One router for each noun of the API; a route reads its input, calls one thing and returns the result."""
