"""Tests of ``penlight.amp``."""
