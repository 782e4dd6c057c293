"""Files as other tools write and read them; one file per format."""
