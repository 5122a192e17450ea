"""The command line: each command parses, makes one call of the API, and writes the result.

A module that defines a click command of its own name is a command.
"""
