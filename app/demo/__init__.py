"""A whole project to try everything on: invented prompts, models, people and judgments."""
