"""Elastic Beanstalk's decisions: how a new version reaches the instances, and how well an environment is."""
