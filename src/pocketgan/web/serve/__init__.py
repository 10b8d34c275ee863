"""The web server: access control, routes and shutdown."""
