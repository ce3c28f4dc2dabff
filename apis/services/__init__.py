"""Writes: one named action each, `<entity>_<action>`, keyword-only.

Every service does the same four things in one transaction: require -> change -> record -> announce.
Screens (REST, portals, admin, commands) call these and never save a model themselves.
"""
