"""`python -m mockpay`."""

from mockpay.cli import main

if __name__ == "__main__":
    main()
