"""bundler: pack a Python environment, its interpreter and every shared library into one tree that runs anywhere."""
