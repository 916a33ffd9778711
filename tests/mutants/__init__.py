"""Mutation testing of the policy: `make mutants`."""
