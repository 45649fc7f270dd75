"""What each service asks permission for: its requests as actions on resources, with condition keys and roles that are passed."""
