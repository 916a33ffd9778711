"""Patients who call back the clinic's number: a key check, then the last message that was for them."""
