"""The model folder: its manifest, signature and requirements, and the flavors that fill and read it."""
