"""``python -m bitfpga``: the command line."""

from bitfpga.cli import main

if __name__ == "__main__":
    main()
