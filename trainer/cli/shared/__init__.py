"""The application, and options that commands share."""
