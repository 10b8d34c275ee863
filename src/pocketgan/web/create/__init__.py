"""The *Create* tab: generating pictures with a model, and saving them."""
