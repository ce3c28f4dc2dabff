"""What templates of the portals can say: `{% load wsportal %}`."""
