"""Files that users keep to attach them later (WildDuck 2.7): named, listed, counted content outside the mail quota."""
