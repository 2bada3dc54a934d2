"""The command line: one noun for each file; parse, call one method, print."""
