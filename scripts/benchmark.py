"""How fast is faststyle here? python scripts/benchmark.py train --against reference."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("benchmark")
