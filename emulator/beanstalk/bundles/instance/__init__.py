"""What an instance of a language platform has of Elastic Beanstalk's own programs: copied into the image, not imported."""
