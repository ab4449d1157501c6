"""``python -m faststyle`` is the ``faststyle`` command."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main()
