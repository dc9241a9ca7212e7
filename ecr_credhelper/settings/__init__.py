"""The settings file: which profile, role, region and endpoint to use for each registry."""
