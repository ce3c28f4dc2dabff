"""How dates are written on English pages."""
