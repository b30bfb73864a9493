"""The platform's version, for what it writes: a test holds it to the package's."""

VERSION = "0.1.0"
