"""Every budget of docs/internals/performance.md, measured beside its reference in the same run."""
