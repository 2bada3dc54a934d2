"""Registered models: versions, stages and aliases, promotion by policy and approval, audit, lineage and cards."""
