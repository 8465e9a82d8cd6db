"""``python -m penlight``."""

from penlight.cli import main

if __name__ == "__main__":
    main()
