"""What nbtrack reads of the world: code, data, figures, environment. Writes nothing, knows no run."""
