"""The verbs as functions; these files alone join core and edges."""
