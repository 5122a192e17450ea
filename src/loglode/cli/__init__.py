"""The command line: parses, makes one call into the library, and writes the result."""
