"""Every budget of docs/performance.md, measured from outside, each beside its reference in the same run."""
