"""The Glue job that brings gold to silver's newest version."""

import sys

from loglode.aws.glue import main, silver_to_gold

if __name__ == "__main__":
    main(silver_to_gold, sys.argv)
