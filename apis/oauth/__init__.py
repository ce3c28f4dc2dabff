"""The built-in OAuth 2.0 authorization server (django-oauth-toolkit): what our clients may do, and its endpoints.

Two kinds of client exist: consumer applications (an OAuthClient with a KeyPair), whose tokens open APIs at the
gateway and nothing else; and management clients without one, whose tokens act for a person in REST.
"""

from apis.oauth.policy import PortalScopes, PortalValidator, is_consumer

__all__ = ["PortalScopes", "PortalValidator", "is_consumer"]
