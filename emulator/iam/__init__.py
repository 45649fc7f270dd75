"""Identity and access: policies judged, callers known, requests let in. The neighbour keeps users, roles and policies."""
