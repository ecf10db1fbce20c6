"""One file a contestant: `contestant(images, epochs)` returns a function that trains on and returns seconds a step."""
