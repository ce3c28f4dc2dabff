"""Formats of dates by language, where Django has none that fits (settings.FORMAT_MODULE_PATH)."""
