"""What would tell a bundle's receiver of its maker: places and names of the machine, and credentials.

`places` knows the forms of paths and names; `tokens`, `keys`, `urls` and `stores` know those of credentials. `scanner` looks for
all of it in the bytes of a file, and `rules` says what may pass. What becomes of it the audit says. docs/leaks.md tells users.
"""
