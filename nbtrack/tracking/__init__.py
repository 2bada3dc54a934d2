"""Runs as the user meets them: the session, the run object, the module functions, the client."""
