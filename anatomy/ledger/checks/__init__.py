"""The identities that the published figures must satisfy, by subject."""
