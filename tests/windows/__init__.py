"""The tests on Windows, without a Windows machine."""
