"""Resolvers: callables that answer a `Query`, from a zone in memory or from the DNS."""
