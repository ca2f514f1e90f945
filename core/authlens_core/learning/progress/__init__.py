"""How far you are in the course: what `learn.json` holds, and attempts that go on where they stopped."""
