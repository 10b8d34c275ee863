"""What everything stands on: errors, files, languages, what is printed. Imports nothing else of the package."""
