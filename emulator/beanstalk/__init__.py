"""Elastic Beanstalk: applications and their versions, environments that run, platforms, health, logs, the worker tier."""
