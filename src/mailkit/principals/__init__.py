"""Principals: who exists here (accounts, groups, lists, domains, tenants, roles, API keys) and what each may do."""
