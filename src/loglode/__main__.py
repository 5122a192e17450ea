"""`python -m loglode` is the command `loglode`."""

from loglode.cli.main import main

if __name__ == "__main__":
    main()
