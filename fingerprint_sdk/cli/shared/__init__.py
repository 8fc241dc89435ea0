"""What several commands share: options, files, the model, and what is printed."""
