"""What people and programs ask of a worker over HTTP: availability, and how it is."""
