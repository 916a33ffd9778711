"""Who may use the console, and for what: rules, profiles, passwords and codes, and signing in."""
