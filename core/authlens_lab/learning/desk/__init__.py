"""What the course offers, as functions and values, for the command line and the app.

- `course`: the lessons, and how far you are in each.
- `open_lesson`: one lesson that is being done: what is shown, what can be done next, and what came of it.
- `drill_world`: the server of a drill, which is a scenario of the demo, and what a prediction was worth.
- `lesson_check`: whether a lesson of your own can be trusted.

Beside them are `lesson` and `moves`, which these take and return. The rest of the course is private. A
lesson, or a file, that cannot be used is a `LessonRefused`.
"""
