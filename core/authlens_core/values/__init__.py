"""What every room hands to others: secrets, safe text, errors, URLs, stages, checks, requests and answers."""
