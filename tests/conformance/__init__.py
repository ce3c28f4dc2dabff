"""Does the gateway change anything? The Autobahn cases with and without it (docs/conformance.md)."""
