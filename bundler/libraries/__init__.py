"""Shared libraries: the closure of what a tree needs, and the policy of what stays on the host."""
