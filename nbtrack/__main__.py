"""``python -m nbtrack`` and the command ``nbtrack``."""

from __future__ import annotations

from nbtrack.cli.main import main

if __name__ == "__main__":
    main()
