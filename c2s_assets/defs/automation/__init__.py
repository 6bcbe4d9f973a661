"""What starts a run without a person: the inbox sensor and the job it asks for."""
