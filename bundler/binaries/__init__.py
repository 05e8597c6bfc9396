"""Binary formats: one package a format; each reads an image and plans a `Patch`."""
