"""How the page is served: to whom, where, and how it ends."""
