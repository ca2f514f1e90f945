"""Short drills: one login each, with a prediction that the learner's own trace judges."""
