"""What the course offers, as functions and values, for the command line and the app.

- `course`: the lessons, and how far you are in each.
- `open_lesson`: one lesson that is being done: what is shown, what can be done next, and what came of it.
- `drills`, `drill_world`: the scenarios of the demo, and the server of one.
- `lesson_check`: whether a lesson of your own can be trusted.

Beside them are `lesson` and `moves`, which these take and return. Many moves are read from a file by
`answers_file`. The rest of the course is private. A lesson, or a file, that cannot
be used is a `LessonRefused`.
"""
