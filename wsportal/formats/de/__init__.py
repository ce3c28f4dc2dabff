"""How dates are written on German pages."""
