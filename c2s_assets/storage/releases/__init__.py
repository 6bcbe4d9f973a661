"""Releases as they wait in the lake to be published."""
