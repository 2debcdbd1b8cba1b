"""Both dialects against one model: the model, how it is asked, and what may happen."""
