"""A cache miss: find or fetch a token within one deadline, and keep the cache small."""
