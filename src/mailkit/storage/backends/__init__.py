"""The stores that come with mailkit. Each module is the only one that knows its driver."""
