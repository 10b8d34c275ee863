"""The *Compare* tab: runs side by side, and reports of studies."""
