"""Tables of ECR."""
