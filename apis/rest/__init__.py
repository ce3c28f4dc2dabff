"""The REST API (CONTRACT section 4). Thin: every write goes through apis.services, every read through apis.selectors.

Places: `base.Resource` is what every resource extends, `fields` are strict body fields, `problems` turns refusals
into RFC 9457 documents, `schema.operation` describes an operation for OpenAPI, `urls` lists the routes.
"""
