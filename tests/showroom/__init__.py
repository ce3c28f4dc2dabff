"""A wsportal full of believable things, in a throw-away database, to be looked at: by axe and for pictures.

`world.py` fills it, `server.py` serves it, `pages.py` lists what there is to see, `faults.py` asks axe,
`python -m tests.showroom` takes pictures.
"""
