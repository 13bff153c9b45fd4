"""`python -m bursar` and the `bursar` command."""

from bursar.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
