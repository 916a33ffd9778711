"""What recipients may reach without a login: the page behind the link in a mail. It reveals nothing."""
