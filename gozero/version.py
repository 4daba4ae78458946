"""The version, in one place: the build reads it from here, and GTP's `version` answers with it."""

__version__ = "0.1.0"
