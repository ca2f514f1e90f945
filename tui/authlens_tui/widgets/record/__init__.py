"""The views of one recorded stage: overview, request, response, checks, diagram, JWT."""
