"""A demo company played through the public API, and nothing else of the project: `python -m workers.demo`.

Read `story` first: what happens is data there. The rest is a small client and the player that reads the story out.
"""
