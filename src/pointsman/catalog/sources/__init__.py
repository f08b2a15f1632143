"""Outside lists of models, one file each; they are read, never copied whole."""
