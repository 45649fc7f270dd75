"""The user's side of Ashore: the command line and a small client.

It never imports the server; it starts it as a subprocess.
"""
