"""What a batch is: its objects, what became of them, and what follows from its silver commit."""
