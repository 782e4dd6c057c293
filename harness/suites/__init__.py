"""Suite files: strict YAML in, a checked Suite out, and the JSON Schema for editors."""
