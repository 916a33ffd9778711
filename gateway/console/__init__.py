"""The web console: pages, one WebSocket per page, and the JSON API; they show what the store holds.

Importing this package loads no web framework: a daemon without a console starts fast. `serve.serve` runs
the console inside the daemon, `app.create_app` builds it for tests, `door.Door` lets people in.
"""
