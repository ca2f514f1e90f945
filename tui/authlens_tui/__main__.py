"""`python -m authlens_tui` is `authlens`."""

from authlens_tui.cli.start import main

if __name__ == "__main__":
    main()
