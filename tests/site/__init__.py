"""The documentation site: prepare its pages, build it, check it, and draw its pictures."""
