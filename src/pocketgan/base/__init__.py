"""Foundations of the package: errors, files, languages and output. Imports no other part of the package."""
