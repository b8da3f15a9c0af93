"""What is written on spans: a stamp as attributes and events, costs under other tools' names."""
