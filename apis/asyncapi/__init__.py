"""AsyncAPI documents: read into the shape of a design, made of one, and kept in step with one. Pure, no Django.

Sources: AsyncAPI 2.0 to 2.6, 3.0 and 3.1 (asyncapi.com/docs/reference/specification), WebSockets bindings 0.1.0.
Whose side a direction is told from: docs/asyncapi.md.
"""
