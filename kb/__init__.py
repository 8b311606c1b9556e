"""What a lesson is, where it is kept, and how it is found."""
